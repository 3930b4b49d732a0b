# Its own variables for user and password only count while its volume is new; definitions count at each start.
set -eu
umask 077
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }
user=$(quoted "$RABBITMQ_USER")
printf '{
  "users": [{ "name": %s, "password": %s, "tags": ["administrator"] }],
  "vhosts": [{ "name": "/" }],
  "permissions": [{ "user": %s, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }]
}' "$user" "$(quoted "$RABBITMQ_PASSWORD")" "$user" > /tmp/definitions.json
exec rabbitmq-server
