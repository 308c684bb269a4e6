{{- /*
What both platforms need, as JSON, decided as `tenantgate render` decides it; a test compares the two.
  configuration  with the platform's name of the cluster in each tenant
  variables      the names of the variables in it
  ways           by name, the objects for the servers of providers: {host, tls, servers: [{port, tls}]}
  backchannel    whether a tenant has back-channel logout
*/ -}}
{{- define "tenantgate.gate" -}}
  {{- $configuration := include "tenantgate.configuration" . | fromJson -}}
  {{- $variables := include "tenantgate.variables" $configuration | fromJsonArray -}}
  {{- $servers := dict -}}
  {{- $backchannel := false -}}
  {{- range $tenant := $configuration.tenants -}}
    {{- $called := dict -}}
    {{- range include "tenantgate.urls" $tenant | fromJsonArray -}}
      {{- $server := include "tenantgate.server" (list . $tenant.name $) | fromJson -}}
      {{- /* A range over this goes by host, and then by port. */ -}}
      {{- $_ := set $called (printf "%s:%5s/%s" $server.host $server.port (ternary "https" "http" $server.tls)) $server -}}
    {{- end -}}
    {{- if ne (len $called) 1 -}}
      {{- fail (printf "tenant %q: Tenantgate calls %d servers (%s), and a cluster of this platform reaches one; only `tenantgate render envoy` makes a cluster that reaches several" $tenant.name (len $called) (keys $called | sortAlpha | join "," | nospace | replace "," ", ")) -}}
    {{- end -}}
    {{- range $place, $server := $called -}}
      {{- $_ := set $servers $place $server -}}
      {{- $_ := set $tenant.provider "cluster" $server.cluster -}}
    {{- end -}}
    {{- $backchannel = or $backchannel (hasKey ($tenant.login | default dict) "backchannel_logout_path") -}}
  {{- end -}}
  {{- $ways := dict -}}
  {{- range $server := $servers -}}
    {{- $way := get $ways $server.name | default (dict "host" $server.host "tls" false "servers" list) -}}
    {{- if or (ne $way.host $server.host) (and $way.servers (ne $.Values.platform "istio")) -}}
      {{- fail (printf "the objects for %s:%s and for %s:%s would have one name, %q, and calls to one would reach the other; leave out one of the tenants, and write its objects by hand" $way.host (first $way.servers).port $server.host $server.port $server.name) -}}
    {{- end -}}
    {{- $_ := set $ways $server.name (dict "host" $way.host "tls" (or $way.tls $server.tls) "servers" (append $way.servers $server)) -}}
  {{- end -}}
  {{- dict "configuration" $configuration "variables" $variables "ways" $ways "backchannel" $backchannel | toJson -}}
{{- end -}}

{{- /* The value `configuration`, an object or the text of a file, as JSON. */ -}}
{{- define "tenantgate.configuration" -}}
  {{- $configuration := required "configuration is missing: it has `session` and `tenants`; --set-file configuration=tenants.yaml takes them from a file" .Values.configuration -}}
  {{- if kindIs "string" $configuration -}}
    {{- if regexMatch `(?m)^---(\s|$)` (regexReplaceAll `^(\s|#.*\n)*---(\s|$)` $configuration "") -}}
      {{- fail "configuration has more than one document of YAML; write `session` and `tenants` into one" -}}
    {{- end -}}
    {{- $configuration = fromYaml $configuration -}}
  {{- end -}}
  {{- with get $configuration "Error" }}{{ fail (printf "configuration is not YAML with `session` and `tenants`: %s" .) }}{{ end -}}
  {{- range required "configuration has no `tenants`; `tenantgate check` says more" $configuration.tenants | default list -}}
    {{- $_ := required (printf "tenant %q has no `provider`; `tenantgate check` says more" .name) .provider -}}
  {{- end -}}
  {{- toJson $configuration -}}
{{- end -}}

{{- /* The addresses that Tenantgate calls for a tenant, and not browsers alone, as a JSON list. */ -}}
{{- define "tenantgate.urls" -}}
  {{- $provider := .provider -}}
  {{- $urls := list $provider.jwks_uri $provider.token_endpoint -}}
  {{- if $provider.discovery }}{{ $urls = concat (append $urls .issuer) ($provider.trusted_origins | default list) }}{{ end -}}
  {{- if (.login).userinfo }}{{ $urls = append $urls $provider.userinfo_endpoint }}{{ end -}}
  {{- if hasKey . "refresh" }}{{ $urls = append $urls $provider.revocation_endpoint }}{{ end -}}
  {{- $urls | compact | toJson -}}
{{- end -}}

{{- /*
The server of an address, as JSON, with the names of its objects and of their cluster: (list ADDRESS
TENANT $). Addresses that a parser of URLs would change are left to `tenantgate render`, which has one.
*/ -}}
{{- define "tenantgate.server" -}}
  {{- $root := index . 2 -}}
  {{- $url := index . 0 | lower -}}
  {{- if not (regexMatch `^https?://([a-z0-9-]+[.])*[a-z][a-z0-9-]*(:[0-9]+)?([/?].*)?$` $url) -}}
    {{- fail (printf "tenant %q: the host in an address of the provider is not a name in ASCII letters, digits, \"-\" and \".\"; see whether `tenantgate render` takes it" (index . 1)) -}}
  {{- end -}}
  {{- $tls := hasPrefix "https:" $url -}}
  {{- $authority := regexReplaceAll `^https?://([^/?]+).*$` $url "${1}" -}}
  {{- $host := regexReplaceAll `:.*$` $authority "" -}}
  {{- $default := ternary "443" "80" $tls -}}
  {{- $port := trimPrefix $host $authority | trimPrefix ":" | default $default | atoi | toString -}}
  {{- /* The objects of Istio are for all ports of a host, those of Envoy Gateway for one. */ -}}
  {{- $isIstio := eq $root.Values.platform "istio" -}}
  {{- $name := or $isIstio (eq $port $default) | ternary $host (printf "%s-%s" $host $port) -}}
  {{- $name = regexReplaceAll "[.-]+" $name "-" | trimAll "-" -}}
  {{- $cluster := ternary (printf "outbound|%s||%s" $port $host) (printf "httproute/%s/%s/rule/0" $root.Release.Namespace $name) $isIstio -}}
  {{- dict "host" $host "port" $port "tls" $tls "name" $name "cluster" $cluster | toJson -}}
{{- end -}}

{{- /* The names of the variables in a configuration, `{env: NAME}`, as a JSON list. */ -}}
{{- define "tenantgate.variables" -}}
  {{- $places := (.session).keys | default list -}}
  {{- range (.assertion).keys }}{{ $places = append (append $places .pem) .jwk }}{{ end -}}
  {{- $places = append (append $places ((.store).etcd).password) ((.tenants_from).etcd).password -}}
  {{- range .tenants }}{{ $places = concat $places (list .client_secret (.client_key).pem (.client_key).jwk) }}{{ end -}}
  {{- $names := list -}}
  {{- range $places }}{{ if kindIs "map" . }}{{ $names = append $names .env }}{{ end }}{{ end -}}
  {{- $names | compact | uniq | toJson -}}
{{- end -}}
