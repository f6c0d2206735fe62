{{- define "ohmygpu.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ohmygpu.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ohmygpu.labels" -}}
{{ include "ohmygpu.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "ohmygpu.image" -}}
{{- $tag := .Values.image.tag | default (printf "v%s%s" .Chart.AppVersion (ternary (printf "-cuda-sm%s" .Values.gpu.generation) "" .Values.gpu.enabled)) -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}

{{- define "ohmygpu.secret" -}}
{{- .Values.apiKey.existingSecret | default (include "ohmygpu.name" .) -}}
{{- end -}}

{{- define "ohmygpu.claim" -}}
{{- .Values.cache.existingClaim | default (include "ohmygpu.name" .) -}}
{{- end -}}
