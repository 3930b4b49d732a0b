#!/bin/sh
# make k3s-...: the system on Kubernetes.   sh stack/run.sh sh k8s/k3s.sh COMMAND
#
#   CONTEXT      of kubectl; else the current one           OVERLAY      of k8s/overlays: k3s, production, managed; else k3s
#   NAMESPACE    else shop                                  COMPONENTS   of k8s/components that come with it: observability
#   REGISTRY     where images are pushed to, in place of an import into the node of this machine
#   IMPORT       a command that takes a `docker save` from its standard input, such as "ctr -n k8s.io images import -"
#   URL          of the entry point, for k3s-test; else http://localhost:30080
set -eu
cd "$(dirname -- "$0")/.."

services="$(printf '%s ' *-service)gateway"
applications="nginx $services"
OVERLAY=${OVERLAY:-k3s} NAMESPACE=${NAMESPACE:-shop} COMPONENTS=${COMPONENTS:-} REGISTRY=${REGISTRY:-}
node_port=${NODE_PORT:-30080}
build=k8s/build

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# What is missing here. The code (EX_UNAVAILABLE of sysexits.h) distinguishes it from a fault: tests are skipped then.
lack() {
  say "$*"
  exit 69
}

kube() { kubectl --context "$context" --namespace "$NAMESPACE" "$@"; }

# Chooses the context, and says which one before it is touched.
choose_context() {
  command -v kubectl >/dev/null || lack 'kubectl is missing: https://kubernetes.io/docs/tasks/tools'
  [ -d "k8s/overlays/$OVERLAY" ] || fail "there is no overlay $OVERLAY in k8s/overlays"
  if [ -z "${KUBECONFIG:-}" ] && [ ! -e "$HOME/.kube/config" ] && [ -r /etc/rancher/k3s/k3s.yaml ]; then
    export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
  fi
  context=${CONTEXT:-$(kubectl config current-context 2>/dev/null || true)}
  [ -n "$context" ] || lack 'kubectl knows no cluster: name a context, CONTEXT=..., of `kubectl config get-contexts`'
  server=$(kubectl --context "$context" config view --minify --output 'jsonpath={.clusters[0].cluster.server}' 2>/dev/null) ||
    lack "kubectl knows no context $context: \`kubectl config get-contexts\`"
  say "kubectl context $context ($server), namespace $NAMESPACE, overlay $OVERLAY"
  kube --request-timeout=10s get --raw /readyz >/dev/null 2>&1 || lack "the cluster of context $context does not answer"
}

has_namespace() { kube get namespace "$NAMESPACE" >/dev/null 2>&1; }

create_namespace() { has_namespace || kube create namespace "$NAMESPACE" --save-config; }

# The overlay with the images that were built, and with what was chosen on the command line.
compose_overlay() {
  mkdir -p "$build/$OVERLAY"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\n' "$NAMESPACE"
    printf 'resources: [../../overlays/%s]\n' "$OVERLAY"
    [ -z "$COMPONENTS" ] || printf 'components:\n'
    for component in $(printf %s "$COMPONENTS" | tr , ' '); do printf '  - ../../components/%s\n' "$component"; done
    if [ -f "$build/images" ]; then
      printf 'images:\n'
      while read -r name new tag; do
        for known in "$name" "registry.example.com/$name"; do
          printf '  - { name: %s, newName: %s, newTag: %s }\n' "$known" "$new" "$tag"
        done
      done <"$build/images"
    fi
    if [ "$node_port" != 30080 ]; then
      printf 'patches:\n  - target: { kind: Service, name: nginx-nodeport }\n'
      printf "    patch: '- { op: replace, path: /spec/ports/0/nodePort, value: %s }'\n" "$node_port"
    fi
  } >"$build/$OVERLAY/kustomization.yaml"
  rendered=$build/$OVERLAY/rendered.yaml
  kubectl kustomize "$build/$OVERLAY" >"$rendered"
}

setup() {
  choose_context
  kube version
  create_namespace
  kube get storageclass --output name | grep -q . || say 'there is no StorageClass: the volumes of overlay k3s need a default one'
  kube get ingressclass --output name | grep -q . || say 'there is no IngressClass: only the NodePort will answer'
  kube get nodes --output wide
}

# Each image by its content: a tag that was deployed never means another one later.
build_images() {
  command -v docker >/dev/null || lack 'Docker is missing: https://docs.docker.com/engine/install'
  docker version >/dev/null 2>&1 || lack 'The Docker engine does not answer: is it started, and may you use it?'
  version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
  mkdir -p "$build"
  : >"$build/images.new"
  for name in $services; do
    port=$(sed -n "s/^    build: .*WORKSPACE: $name, PORT: \([0-9]*\) .*/\1/p" docker-compose.yml)
    docker build --build-arg WORKSPACE="$name" --build-arg PORT="$port" --tag "shop-$name:built" .
    id=$(docker image inspect --format '{{.Id}}' "shop-$name:built" | sed 's/^sha256://' | cut -c 1-12)
    image=${REGISTRY:+$REGISTRY/}shop-$name
    docker tag "shop-$name:built" "$image:$version-$id"
    printf 'shop-%s %s %s\n' "$name" "$image" "$version-$id" >>"$build/images.new"
  done
  mv "$build/images.new" "$build/images"
  say "built: $(awk '{ print $2 ":" $3 }' "$build/images" | tr '\n' ' ')"
}

# Puts the images where the nodes find them.
import_images() {
  [ -s "$build/images" ] || fail 'no image was built yet: `make k3s-build`'
  images=$(awk '{ print $2 ":" $3 }' "$build/images")
  choose_context
  case "${IMPORT:+import}${REGISTRY:+registry} $context" in
    import*) docker save $images | sh -c "$IMPORT" ;;
    registry*) for image in $images; do docker push "$image"; done ;;
    *' kind-'*) for image in $images; do kind load docker-image "$image" --name "${context#kind-}"; done ;;
    *' k3d-'*) k3d image import --cluster "${context#k3d-}" $images ;;
    *' minikube') for image in $images; do minikube image load "$image"; done ;;
    *)
      command -v k3s >/dev/null ||
        fail 'k3s is not on this machine: push the images, REGISTRY=..., or say how they are imported, IMPORT="..."'
      if [ "$(id -u)" = 0 ]; then docker save $images | k3s ctr images import -
      else docker save $images | sudo k3s ctr images import -; fi
      ;;
  esac
}

# Of those whose component is, or is not, among some.
apply() { kube apply --filename "$rendered" --selector "app.kubernetes.io/component $1"; }

wait_for_databases() {
  for name in $(kube get statefulset --selector app.kubernetes.io/component=database --output name); do
    kube rollout status "$name" --timeout 10m
  done
  if grep -q '^apiVersion: postgresql.cnpg.io/' "$rendered"; then
    kube wait cluster.postgresql.cnpg.io --all --for condition=Ready --timeout 20m
  fi
}

# A Job cannot be changed, so those of the last version go first. Their end, good or bad, is waited for.
migrate() {
  kube delete job --selector app.kubernetes.io/component=migration --ignore-not-found
  apply '= migration'
  for name in $(kube get job --selector app.kubernetes.io/component=migration --output name); do
    until kube wait "$name" --for condition=complete --timeout 5s >/dev/null 2>&1; do
      if kube get "$name" --output 'jsonpath={.status.conditions[*].type}' | grep -q Failed; then
        kube logs "$name" --tail 30 >&2 || true
        fail "$name failed: nothing of the new version was started"
      fi
    done
    say "$name is complete"
  done
}

wait_for_applications() {
  for name in $applications; do
    kube rollout status "deployment/$name" --timeout 10m && continue
    kube get pods --selector "app.kubernetes.io/name=$name" >&2
    kube logs --selector "app.kubernetes.io/name=$name" --tail 15 --prefix >&2 || true
    fail "$name did not become ready"
  done
}

deploy() {
  choose_context
  compose_overlay
  create_namespace
  node stack/kubernetes/secrets.ts "$context" "$NAMESPACE" "$OVERLAY"
  apply 'notin (application,migration)'
  wait_for_databases
  migrate
  apply '= application'
  wait_for_applications
  [ "$OVERLAY" != k3s ] || say "http://localhost:$node_port on the node, and, with an ingress controller, http://localhost. Test it: \`make k3s-test\`"
}

# The same images and settings once more, one pod after the other.
redeploy() {
  choose_context
  has_namespace || fail "there is no namespace $NAMESPACE: \`make k3s-deploy\`"
  for name in $applications; do kube rollout restart "deployment/$name"; done
  wait_for_applications
}

logs() {
  choose_context
  [ $# -gt 0 ] || set -- $applications
  for name in "$@"; do
    kube logs --selector "app.kubernetes.io/name=$name" --tail 100 --prefix --max-log-requests 20 --all-containers
  done
}

clean() {
  choose_context
  has_namespace || { say "there is no namespace $NAMESPACE" && return; }
  kube get namespace "$NAMESPACE" --output 'jsonpath={.metadata.labels.app\.kubernetes\.io/instance}' | grep -qx k3s ||
    fail "the namespace $NAMESPACE was not made by overlay k3s: remove it yourself, if you mean it"
  say "removes the namespace $NAMESPACE with ALL DATA in it"
  kube delete namespace "$NAMESPACE" --timeout 5m
}

# Through the NodePort where it is reached from here, else through a forwarded port.
scenario() {
  choose_context
  password=$(kube get secret user-service --output 'jsonpath={.data.ADMIN_PASSWORD}' | base64 -d)
  [ -n "$password" ] || fail 'the Secret user-service has no ADMIN_PASSWORD: the scenario needs the first admin'
  url=${URL:-http://localhost:$node_port}
  forward=
  trap '[ -z "$forward" ] || kill "$forward" 2>/dev/null' EXIT
  if [ -z "${URL:-}" ] && ! node stack/kubernetes/scenario.ts --reachable "$url"; then
    say "$url is not reached from here: through kubectl port-forward instead"
    kube port-forward service/nginx 18000:80 >/dev/null &
    forward=$! url=http://127.0.0.1:18000
  fi
  ADMIN_PASSWORD=$password node stack/kubernetes/scenario.ts "$url"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  setup) setup ;;
  build) build_images ;;
  import) import_images ;;
  deploy) deploy ;;
  up)
    build_images
    import_images
    deploy
    ;;
  status)
    choose_context
    kube get deployments,statefulsets,jobs,pods,services,ingresses,horizontalpodautoscalers,poddisruptionbudgets
    ;;
  logs) logs "$@" ;;
  redeploy) redeploy ;;
  clean) clean ;;
  test) scenario ;;
  *) fail "there is no command ${command:-''} for Kubernetes" ;;
esac
