#!/bin/sh
# Creates the secrets of deploy/compose.yaml, once: passwords, connection strings and keys, in deploy/secrets and deploy/.env.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
	echo "deploy/.env exists, so the secrets stay as they are"
	exit
fi
umask 077
mkdir -p secrets
password() { openssl rand -hex 24; }
owner=$(password) app=$(password)
echo "postgres://freehold_owner:$owner@database/freehold?sslmode=disable" >secrets/migrate-url
echo "postgres://freehold_app:$app@database/freehold?sslmode=disable" >secrets/database-url
openssl genpkey -algorithm ed25519 -out secrets/signing-key
openssl rand -base64 32 >secrets/encryption-key

# Compose mounts the files as they are. So freehold runs as the user who owns them, but never as root.
user=$(id -u):$(id -g)
if [ "$(id -u)" = 0 ]; then
	user=65532:65532
	chown -R "$user" secrets
fi
cat >.env.new <<END
FREEHOLD_USER=$user
POSTGRES_PASSWORD=$(password)
OWNER_PASSWORD=$owner
APP_PASSWORD=$app
END
mv .env.new .env
