{{- define "berth.secret" -}}
{{ default .Release.Name .Values.secret }}
{{- end }}

{{- /* Labels by which pods are selected. Takes a list: the context, the component. */}}
{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "berth.labels" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/part-of: berth
{{- end }}

{{- define "berth.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- end }}

{{- /* Takes the user and the group. */}}
{{- define "berth.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ index . 0 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "berth.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Where Redis and the bucket are. */}}
{{- define "berth.services" -}}
- name: REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ include "berth.secret" . }}, key: REDIS_URL } }
{{- range $name := list "AWS_ENDPOINT_URL_S3" "AWS_REGION" "BERTH_S3_BUCKET" "BERTH_S3_PREFIX" "BERTH_S3_ACCESS_KEY" "BERTH_S3_SECRET_KEY" }}
- name: {{ $name }}
  valueFrom: { secretKeyRef: { name: {{ include "berth.secret" $ }}, key: {{ $name }}, optional: true } }
{{- end }}
{{- end }}

{{- define "berth.isAlive" -}}
exec:
  command:
    - node
    - -e
    - 'process.exit(Date.now() - fs.statSync(process.env.BERTH_ALIVE_FILE).mtimeMs < 600000 ? 0 : 1)'
timeoutSeconds: 20
{{- end }}

{{- /* What nodes have that have the kernels of a level, by Node Feature Discovery. */}}
{{- define "berth.kernels" -}}
{{- $levels := list (list "sse41") (list "avx" "AVX") (list "avx2" "AVX2" "FMA3") (list "avx512_core" "AVX512F" "AVX512BW" "AVX512VL" "AVX512DQ") (list "avx512_core_vnni" "AVX512VNNI") (list "avx512_core_bf16" "AVX512BF16") (list "avx512_core_fp16" "AVX512FP16" "AVXVNNI") (list "avx512_core_amx" "AMXTILE" "AMXINT8" "AMXBF16") (list "avx512_core_amx_fp16" "AMXFP16") }}
{{- $asked := . }}
{{- $isFound := false }}
kubernetes.io/arch: amd64
{{- range $level := $levels }}
{{- if not $isFound }}
{{- range $feature := rest $level }}
feature.node.kubernetes.io/cpu-cpuid.{{ $feature }}: 'true'
{{- end }}
{{- if eq (first $level) $asked }}{{ $isFound = true }}{{ end }}
{{- end }}
{{- end }}
{{- if not $isFound }}{{ fail (printf "run.kernels: there are no kernels %s; `berth doctor` names those of a machine" $asked) }}{{ end }}
{{- end }}

{{- /* Where a worker runs and what it may. Takes its settings. */}}
{{- define "berth.placed" -}}
{{ include "berth.podBasics" . }}
securityContext:
  {{- include "berth.podSecurity" (list 1000 1000) | nindent 2 }}
{{- if or .nodeSelector .kernels }}
nodeSelector:
  {{- with .kernels }}
  {{- include "berth.kernels" . | nindent 2 }}
  {{- end }}
  {{- with .nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- range . }}
  - { key: {{ . }}, operator: Exists }
  {{- end }}
{{- end }}
volumes:
  - { name: tmp, emptyDir: {} }
  {{- range $index, $claim := .claims }}
  - name: text-{{ $index }}
    persistentVolumeClaim: { claimName: {{ $claim.name }}, readOnly: true }
  {{- end }}
{{- end }}

{{- define "berth.mounts" -}}
- { name: tmp, mountPath: /tmp }
{{- range $index, $claim := .claims }}
- { name: text-{{ $index }}, mountPath: {{ $claim.path }}, readOnly: true }
{{- end }}
{{- end }}
