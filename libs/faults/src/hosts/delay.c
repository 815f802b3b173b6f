/*
 * Holds every packet that netfilter puts into a queue for a fixed time, then lets it go on: `delay QUEUE MICROSECONDS`.
 *
 * A kernel without netem has no delay of its own. Only the packets' ids come here; what the network sends in one piece
 * (GSO) waits as one. Prints "ready" once the queue is bound; ends on standard input's end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NUM_HELD (1u << 17)
#define BUFFER_BYTES (64 * 1024 * 1024)

struct held {
  int64_t due_us;
  uint32_t id; /* in network order, as it came */
};

static struct held held[NUM_HELD];
static uint32_t first, end;
static int queue_socket;
static uint16_t queue_number;

static void fail(const char *what) {
  fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void tell(uint8_t type, uint16_t flags, uint16_t attribute, const void *value, uint16_t length) {
  struct {
    struct nlmsghdr header;
    struct nfgenmsg about;
    struct nlattr attribute;
    uint8_t value[16];
  } message = {0};
  message.header.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type;
  message.header.nlmsg_flags = NLM_F_REQUEST | flags;
  message.header.nlmsg_len = NLMSG_ALIGN(NLMSG_LENGTH(sizeof message.about) + NLA_HDRLEN + length);
  message.about.nfgen_family = AF_UNSPEC;
  message.about.version = NFNETLINK_V0;
  message.about.res_id = htons(queue_number);
  message.attribute.nla_type = attribute;
  message.attribute.nla_len = NLA_HDRLEN + length;
  memcpy(message.value, value, length);
  if (send(queue_socket, &message, message.header.nlmsg_len, 0) < 0) fail("send");
}

/* As `tell`, and waits for the kernel's word that it was done. */
static void configure(uint16_t attribute, const void *value, uint16_t length) {
  tell(NFQNL_MSG_CONFIG, NLM_F_ACK, attribute, value, length);
  char answer[4096];
  for (;;) {
    if (recv(queue_socket, answer, sizeof answer, 0) < 0) fail("recv");
    const struct nlmsghdr *header = (void *)answer;
    if (header->nlmsg_type != NLMSG_ERROR) continue;
    errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
    if (errno != 0) fail("configure");
    return;
  }
}

static void bind_queue(void) {
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  int size = BUFFER_BYTES, no_errors = 1;
  queue_socket = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (queue_socket < 0) fail("socket");
  if (bind(queue_socket, (void *)&own, sizeof own) < 0) fail("bind");
  setsockopt(queue_socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(queue_socket, SOL_NETLINK, NETLINK_NO_ENOBUFS, &no_errors, sizeof no_errors);
  struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND, .pf = htons(AF_INET)};
  struct nfqnl_msg_config_params copy = {.copy_range = 0, .copy_mode = NFQNL_COPY_META};
  uint32_t most = htonl(NUM_HELD - 1);
  configure(NFQA_CFG_CMD, &command, sizeof command);
  configure(NFQA_CFG_PARAMS, &copy, sizeof copy);
  configure(NFQA_CFG_QUEUE_MAXLEN, &most, sizeof most);
}

/* Mask and flags have to travel in one message. */
static void take_whole_segments(void) {
  struct {
    struct nlmsghdr header;
    struct nfgenmsg about;
    struct nlattr flags_attribute;
    uint32_t flags;
    struct nlattr mask_attribute;
    uint32_t mask;
  } message = {0};
  message.header.nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG;
  message.header.nlmsg_flags = NLM_F_REQUEST;
  message.header.nlmsg_len = sizeof message;
  message.about.version = NFNETLINK_V0;
  message.about.res_id = htons(queue_number);
  message.flags_attribute.nla_type = NFQA_CFG_FLAGS;
  message.mask_attribute.nla_type = NFQA_CFG_MASK;
  message.flags_attribute.nla_len = message.mask_attribute.nla_len = NLA_HDRLEN + sizeof(uint32_t);
  message.flags = message.mask = htonl(NFQA_CFG_F_GSO);
  if (send(queue_socket, &message, sizeof message, 0) < 0) fail("send");
}

static void take_in(int64_t due_us) {
  static char buffer[1 << 16];
  for (;;) {
    ssize_t length = recv(queue_socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length < 0) fail("recv");
    struct nlmsghdr *message = (void *)buffer;
    for (int rest = length; NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
      if (message->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)) continue;
      struct nlattr *attribute = (void *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg)));
      char *past = (char *)message + message->nlmsg_len;
      while ((char *)attribute < past && (attribute->nla_type & NLA_TYPE_MASK) != NFQA_PACKET_HDR)
        attribute = (void *)((char *)attribute + NLA_ALIGN(attribute->nla_len));
      if ((char *)attribute >= past || end - first == NUM_HELD) continue;
      struct nfqnl_msg_packet_hdr *packet = (void *)((char *)attribute + NLA_HDRLEN);
      held[end++ % NUM_HELD] = (struct held){due_us, packet->packet_id};
    }
  }
}

static void let_go(int64_t until_us) {
  for (; first != end && held[first % NUM_HELD].due_us <= until_us; first++) {
    struct nfqnl_msg_verdict_hdr verdict = {htonl(NF_ACCEPT), held[first % NUM_HELD].id};
    tell(NFQNL_MSG_VERDICT, 0, NFQA_VERDICT_HDR, &verdict, sizeof verdict);
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "Usage: delay QUEUE MICROSECONDS\n"), 2;
  queue_number = atoi(argv[1]);
  const int64_t delay_us = atoll(argv[2]);
  /* Before all others where it may: other work on the machine is no delay of the network. */
  const struct sched_param first_of_all = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &first_of_all) < 0) nice(-20);
  bind_queue();
  take_whole_segments();
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct pollfd files[] = {{queue_socket, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    struct timespec rest = {1, 0};
    if (first != end) {
      int64_t us = held[first % NUM_HELD].due_us - now_us();
      if (us < 0) us = 0;
      rest = (struct timespec){us / 1000000, us % 1000000 * 1000};
    }
    if (ppoll(files, 2, &rest, NULL) < 0 && errno != EINTR) fail("poll");
    if (files[1].revents & (POLLHUP | POLLIN)) return 0;
    const int64_t at_us = now_us();
    if (files[0].revents & POLLIN) take_in(at_us + delay_us);
    let_go(now_us());
  }
}
