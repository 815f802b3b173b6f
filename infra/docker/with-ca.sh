#!/bin/sh
# Runs a command; with the secret "ca", npm and pip trust the certificates in it.
ca=/run/secrets/ca
if [ -s "$ca" ]; then
  export NODE_EXTRA_CA_CERTS="$ca" PIP_CERT="$ca"
fi
exec "$@"
