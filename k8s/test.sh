#!/bin/sh
# make test-k8s: renders every overlay, alone and with what can be added to it, validates it strictly, lints it where the tools
# are, and proves it where a cluster answers, in a namespace of its own. What is not there is skipped, and said so.
#
#   CONTEXT   of kubectl for the proof; else the current one; "none": no cluster is touched
#   CRDS      a folder with the operators' CRDs, installed first where the cluster lacks them
#   SCHEMAS   of those CRDs for kubeconform; else the public catalog
set -eu
cd "$(dirname -- "$0")/.."
work=k8s/build/test
namespace=shop-test
faults=0

say() { printf '%s\n' "$*" >&2; }

fault() {
  say "FAULT: $*"
  faults=$((faults + 1))
}

command -v kubectl >/dev/null || {
  say 'skipped, nothing is tested: kubectl is missing, https://kubernetes.io/docs/tasks/tools'
  exit 0
}

# --- Render ---------------------------------------------------------------------------------------------------------------
# What an overlay of somebody else's might combine, beside our own overlays.
rm -rf "$work"
mkdir -p "$work"
render() {
  mkdir -p "$work/$1"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: shop\nresources: [../../../%s]\n' "$2"
    shift 2
    [ $# = 0 ] || printf 'components:\n'
    for component in "$@"; do printf '  - ../../../components/%s\n' "$component"; done
  } >"$work/$name/kustomization.yaml"
  if kubectl kustomize "$work/$name" >"$work/$name.yaml"; then
    say "rendered $name: $(grep -c '^kind:' "$work/$name.yaml") objects"
  else
    fault "$name cannot be rendered"
  fi
}
for overlay in k3s production managed; do
  name=$overlay && render "$name" "overlays/$overlay"
  name=$overlay-observability && render "$name" "overlays/$overlay" observability
done
name=base-data && render "$name" base in-cluster-data
name=base-data-autoscaling && render "$name" base in-cluster-data autoscaling

# --- Validate, strictly: an unknown field is a fault ------------------------------------------------------------------------
# Operators' own kinds are known from their schemas, and at a cluster that has them.
foreign='Cluster ScheduledBackup ObjectStore RabbitmqCluster ExternalSecret'
schemas=${SCHEMAS:-https://raw.githubusercontent.com/datreeio/CRDs-catalog/main/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json}
if command -v kubeconform >/dev/null; then
  kubeconform -strict -summary -schema-location default -schema-location "$schemas" "$work"/*.yaml || fault 'kubeconform, see above'
elif command -v kubernetes-validate >/dev/null; then
  for file in "$work"/*.yaml; do
    # It takes no kinds that are not Kubernetes' own.
    awk -v foreign="$foreign" 'BEGIN { RS = "---\n"; n = split(foreign, kinds, " ") }
      { for (i = 1; i <= n; i++) if ($0 ~ "(^|\n)kind: " kinds[i] "\n") next; printf "---\n%s", $0 }' "$file" >"$work/own-kinds"
    kubernetes-validate --strict --quiet "$work/own-kinds" || fault "kubernetes-validate: $file"
  done
  say "validated by kubernetes-validate, but for kinds of operators ($foreign)"
else
  say 'validation skipped: neither kubeconform nor kubernetes-validate is on this machine'
fi

# --- Lint -----------------------------------------------------------------------------------------------------------------
# Switched off, with the reason:
#   a limit of the processor        it throttles a pod that has work while the node idles; memory is limited
#   IfNotPresent, digests           tags of ours never mean another image later; yours are set by your registry and Renovate
#   users above 10000               the images of nginx (101), PostgreSQL and RabbitMQ (999) own their files by these
#   secrets as variables            the settings are variables in every stack
#   anti-affinity                   topologySpreadConstraints do it, and let one node hold all where there is only one
#   one replica of databases        overlay k3s is for one node; production has operators
#   policies that let anyone in     nginx is the entry point
#   selectors of nothing            pods that operators make, and those of components that an overlay leaves out
#   the same question twice         readiness is asked more often, and takes fewer failures, than a restart
#   a Service without an address    of a StatefulSet: with one address clients need not notice that the pod has another one
if command -v kube-score >/dev/null; then
  for file in "$work"/k3s*.yaml "$work"/production*.yaml "$work"/managed*.yaml; do
    kube-score score --output-format ci \
      --ignore-test container-image-pull-policy,container-security-context-user-group-id \
      --ignore-test pod-probes,pod-probes-identical,networkpolicy-targets-pod,service-targets-pod,statefulset-has-servicename \
      --ignore-test deployment-has-host-podantiaffinity,statefulset-has-host-podantiaffinity \
      --ignore-test container-resources,container-ephemeral-storage-request-and-limit,statefulset-has-poddisruptionbudget \
      "$file" | grep CRITICAL && fault "kube-score: $file"
  done
else
  say 'lint by kube-score skipped: it is not on this machine'
fi
if command -v checkov >/dev/null; then
  # CKV_K8S_11 limit of the processor; 15, 43 pull policy, digest; 40 users; 35 secrets as variables
  checkov --framework kubernetes --quiet --compact --skip-check CKV_K8S_11,CKV_K8S_15,CKV_K8S_43,CKV_K8S_40,CKV_K8S_35 \
    --file "$work"/*.yaml || fault 'checkov, see above'
else
  say 'lint by checkov skipped: it is not on this machine'
fi

# --- Prove ----------------------------------------------------------------------------------------------------------------
context=${CONTEXT:-$(kubectl config current-context 2>/dev/null || true)}
end() {
  [ "$faults" = 0 ] || say "$faults faults"
  [ "$faults" = 0 ]
  exit
}
[ "$context" != none ] && [ -n "$context" ] || {
  say 'the proof on a cluster is skipped: no kubectl context'
  end
}
kube() { kubectl --context "$context" "$@"; }
kube --request-timeout=10s get --raw /readyz >/dev/null 2>&1 || {
  say "the proof on a cluster is skipped: that of context $context does not answer"
  end
}
say "kubectl context $context ($(kube config view --minify --output 'jsonpath={.clusters[0].cluster.server}')), namespace $namespace"
[ -z "${CRDS:-}" ] || kube apply --server-side --filename "$CRDS" >/dev/null

clean() { kube delete namespace "$namespace" --ignore-not-found --timeout 5m >/dev/null || true; }
trap clean EXIT
nodes=$(kube get nodes --output name | wc -l)

# With nodes only the overlay that is tried below is really applied: production would start clusters of databases.
for overlay in k3s production managed; do
  kube get namespace "$namespace" >/dev/null 2>&1 || kube create namespace "$namespace" >/dev/null
  # Where the shop runs already, it has that port.
  sed "s/^  namespace: shop$/  namespace: $namespace/; s/^  name: shop$/  name: $namespace/; s/nodePort: 30080/nodePort: 30081/" \
    "$work/$overlay.yaml" | awk -v namespace="$namespace" 'BEGIN { RS = "---\n" } !/(^|\n)kind: Namespace\n/ { printf "---\n%s", $0 }' \
    >"$work/applied"
  dry=
  [ "$nodes" = 0 ] || dry=--dry-run=server
  kube apply --server-side --force-conflicts $dry --filename "$work/applied" >"$work/answer" 2>&1 || true
  lacking=$(sed -n 's/.*no matches for kind "\([A-Za-z]*\)".*/\1/p' "$work/answer" | sort -u | tr '\n' ' ')
  # Whatever else it says is a fault, a pod that the namespace's standard would refuse among it.
  refused=$(grep -v 'serverside-applied\|failed to migrate kubectl.kubernetes.io\|no matches for kind\|ensure CRDs are installed' "$work/answer" || true)
  say "$overlay: $(grep -c serverside-applied "$work/answer" || true) objects accepted by the API server${dry:+ (dry run)}"
  [ -z "$lacking" ] || say "  skipped, the cluster does not know: $lacking"
  [ -z "$refused" ] || fault "$overlay: $refused"
  [ -n "$dry" ] || clean
done
[ "$nodes" != 0 ] || {
  say 'the rest is skipped: the cluster has no nodes'
  end
}
[ -s k8s/build/images ] || {
  say 'the rest is skipped: there are no images, `make k3s-build k3s-import`'
  end
}

export CONTEXT="$context" NAMESPACE="$namespace" NODE_PORT=30081 OVERLAY=k3s
clean
sh k8s/k3s.sh deploy
sh k8s/k3s.sh test || fault 'the scenario'
# The gateway has no business with a database: policies are worth nothing where nobody enforces them.
reaches='require("node:net").connect(5432, "postgres-user").setTimeout(3000, () => process.exit(1))
  .on("connect", () => process.exit(0)).on("error", () => process.exit(1))'
if kube --namespace "$namespace" exec deployment/user-service -- node -e "$reaches"; then
  kube --namespace "$namespace" exec deployment/gateway -- node -e "$reaches" 2>/dev/null &&
    fault 'NetworkPolicies are not enforced: the gateway reaches a database'
else
  fault 'user-service does not reach its database'
fi
url=http://localhost:$NODE_PORT
if node stack/kubernetes/scenario.ts --reachable "$url"; then
  node stack/kubernetes/disturbances.ts "$context" "$namespace" "$url" || fault 'something was lost'
else
  say "disturbances are skipped: $url is not reached from here, and a forwarded port would end with its pod"
fi
end
