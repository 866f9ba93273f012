#!/bin/sh
# The same without Python: curl and sed alone. Starts a deployment, waits, passes the
# verdict on as exit code: 0 pass, 2 refused, 4 zone taken, 5 unreached, late or too
# little recorded, 10 worse, 11 inconclusive, 1 failed. deploy_check.py does more: it
# leaves a summary and outputs, and cancels the run when the pipeline is cancelled.
#
#   PREFECT_API_URL=https://prefect.example/api PREFECT_API_KEY=… \
#     deploy_check.sh FLOW/DEPLOYMENT IDEMPOTENCY_KEY 'PARAMETERS AS JSON' [TIMEOUT_S]
set -eu

if [ $# -lt 3 ]; then
  echo "usage: $0 FLOW/DEPLOYMENT IDEMPOTENCY_KEY PARAMETERS [TIMEOUT_S]" >&2
  exit 2
fi
deployment=$1 key=$2 parameters=$3 timeout_s=${4:-3600}
: "${PREFECT_API_URL:?is the address of the server, like https://host/api}"
case $key in
  '' | *[!A-Za-z0-9._:-]*) echo "the key may hold A-Z a-z 0-9 . _ : -" >&2; exit 2 ;;
esac

# Prints the reply; the secret goes in by stdin, so that no process list shows it.
call() {
  {
    if [ -n "${PREFECT_API_KEY:-}" ]; then
      printf 'header = "Authorization: Bearer %s"\n' "$PREFECT_API_KEY"
    elif [ -n "${PREFECT_API_AUTH_STRING:-}" ]; then
      printf 'user = "%s"\n' "$PREFECT_API_AUTH_STRING"
    fi
  } | curl --config - --silent --show-error --fail-with-body --max-time 30 \
    --retry 5 --retry-connrefused --header 'Content-Type: application/json' \
    "$@"
}


# Prints the end of a call: a refusal is 2, no answer is 5.
refuse() {
  echo "$1" >&2
  case $2 in 22) exit 2 ;; *) exit 5 ;; esac
}

reply=$(call "$PREFECT_API_URL/deployments/name/$deployment") || refuse "$reply" $?
id=$(printf %s "$reply" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p')
body="{\"parameters\":$parameters,\"idempotency_key\":\"$key\"}"
reply=$(call --data "$body" "$PREFECT_API_URL/deployments/$id/create_flow_run") || refuse "$reply" $?
run=$(printf %s "$reply" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p')
echo "run: ${PREFECT_API_URL%/api}/runs/flow-run/$run" >&2

waited_s=0
while :; do
  reply=$(call "$PREFECT_API_URL/flow_runs/$run") || refuse "$reply" $?
  type=$(printf %s "$reply" | sed -n 's/.*,"state_type":"\([A-Z]*\)".*/\1/p')
  name=$(printf %s "$reply" | sed -n 's/.*,"state_name":"\([^"]*\)".*/\1/p')
  case $type in COMPLETED | FAILED | CRASHED | CANCELLED) break ;; esac
  if [ "$waited_s" -ge "$timeout_s" ]; then
    echo "the run did not end within $timeout_s s" >&2
    exit 5
  fi
  sleep 5
  waited_s=$((waited_s + 5))
done

echo "$type: $name"
case $name in
  ZoneBusy | Skipped) exit 4 ;;
  FellShort) exit 5 ;;
  Worse) exit 10 ;;
  Inconclusive) exit 11 ;;
esac
[ "$type" = COMPLETED ]
