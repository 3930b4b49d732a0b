# Fills in the configuration, as docker-compose.yml does, and starts nginx.
set -eu
CORS_ORIGINS=$(echo "$CORS_ORIGINS" | tr -d '[:space:]') ALLOWED_HOSTS=$(echo "$ALLOWED_HOSTS" | tr -d '[:space:]')
fill() { envsubst "$(env | sed 's/=.*//; s/^/$/')" < "/etc/nginx/shop/$1.template" > "$NGINX_DIRECTORY/$2$1"; }
mkdir -p "$NGINX_DIRECTORY/extra" # it stays when the container alone starts again
fill nginx.conf ''
[ -z "${NGINX_METRICS_ADDRESS:-}" ] || fill metrics.conf extra/
# Behind an ingress: clients are who it says they are, and whoever is none of these is a client.
{
  echo "$TRUSTED_PROXIES" | tr ',' '\n' | while read -r proxy; do [ -z "$proxy" ] || echo "set_real_ip_from $proxy;"; done
  echo 'real_ip_header X-Forwarded-For; real_ip_recursive on;'
} > "$NGINX_DIRECTORY/extra/proxies.conf"
exec nginx -e stderr -p "$NGINX_DIRECTORY" -c "$NGINX_DIRECTORY/nginx.conf" -g 'daemon off;'
