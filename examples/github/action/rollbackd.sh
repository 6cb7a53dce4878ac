#!/usr/bin/env bash
# Asks rollbackd, with bash and curl alone. Its inputs are the variables RB_…: see action.yml.
#
# Exit status  0  it may be deployed; it passed          5  unproven: silence is not health
#              1  rolled back, or kept while breached    6  superseded by a newer deployment
#              2  an input that cannot be                7  not decided in time
#              3  refused                                 4  the daemon cannot be reached
set -euo pipefail

say() { echo "rollbackd: $*"; } # never at the beginning of a line what somebody else wrote: a runner would obey ::commands::
out() { if [[ -n "${GITHUB_OUTPUT:-}" ]]; then echo "$1=$2" >>"$GITHUB_OUTPUT"; fi; }
wrong() { say "$1" >&2; exit 2; }

# The first value under a name in the answer: text as it stands in JSON, without its quotes; empty for null.
field() {
  # Control characters are none of JSON's: a line that ends within a value would begin another output, or a ::command::.
  local pattern="\"$1\"[[:space:]]*:[[:space:]]*(\"(([^\"\\\\[:cntrl:]]|\\\\[^[:cntrl:]])*)\"|true|false|null|-?[0-9.]+)"
  [[ "$2" =~ $pattern ]] || return 0
  local found="${BASH_REMATCH[1]}"
  if [[ "$found" == \"* ]]; then found="${BASH_REMATCH[2]}"; fi
  if [[ "$found" != null ]]; then printf '%s' "$found"; fi
}

# Refuses what would end a JSON string or a path: the daemon takes nothing else anyway.
fits() { [[ "$2" =~ ^[A-Za-z0-9_.:/@+=-]{0,256}$ && "$2" != *..* ]] || wrong "$1: only letters, digits and _ . : / @ + = -"; }

left() { echo $((ENDS - SECONDS)); }

# One request: METHOD PATH [BODY]. Asks again while nobody answers, for a minute; the answer is in $answer, its status in $status.
# The token goes by the standard input, so that no list of processes shows it.
request() {
  local since=$SECONDS config pause=2 got
  config="header = \"Authorization: Bearer $RB_TOKEN\""
  while :; do
    if got=$(printf '%s\n' "$config" | curl --silent --show-error --config - --max-time 40 --request "$1" \
      --header "Content-Type: application/json" --header "Idempotency-Key: $RB_KEY-$RB_DO-$RB_SERVICE-$RB_ENVIRONMENT" \
      ${3:+--data "$3"} --write-out '\n%{http_code}' "$RB_URL$2" 2>&1); then
      status="${got##*$'\n'}" answer="${got%$'\n'*}"
      if [[ "$status" != 5* && "$status" != 429 ]]; then return 0; fi
      got="HTTP $status"
    fi
    if ((SECONDS - since >= ${RB_PATIENCE:-60} || $(left) <= 0)); then
      say "nobody answers at $RB_URL: ${got//$'\n'/ }" >&2
      exit 4
    fi
    sleep "$pause"
  done
}

must_be() {
  if [[ "$status" != 2* ]]; then
    say "$(field title "$answer"): $(field detail "$answer") $(field remedy "$answer") (HTTP $status)" >&2
    if [[ "$status" == 404 ]]; then exit 2; fi
    exit 3
  fi
}

timed_out() { say "not decided within $RB_TIMEOUT min"; exit 7; }

wait_for() { local span; span=$(left); echo $((span > 20 ? 20 : (span < 1 ? 1 : span)))s; }

named() {
  local body="" name
  for name in tag sha; do
    local variable="RB_${name^^}"
    if [[ -n "${!variable}" ]]; then body+="\"$name\": \"${!variable}\", "; fi
  done
  if [[ -n "$RB_DIGEST" ]]; then body+="\"names\": {\"digest\": \"$RB_DIGEST\"}, "; fi
  printf '{%s}' "${body%, }"
}

gate() {
  request POST "/v1/services/$RB_SERVICE/$RB_ENVIRONMENT/gate" "$(named)"
  must_be
  local id words="" told
  id=$(field gate "$answer")
  out gate "$id"
  while [[ $(field decided "$answer") != true ]]; do
    told=$(field words "$answer")
    if [[ "$told" != "$words" ]]; then say "waits: $told"; words="$told"; fi
    if (($(left) <= 0)); then timed_out; fi
    request GET "/v1/gates/$id?wait=$(wait_for)"
    must_be
  done
  out state "$(field state "$answer")"
  say "$(field state "$answer"): $(field words "$answer")"
  if [[ $(field state "$answer") != passed ]]; then exit 3; fi
}

announce() {
  if [[ -z "$RB_TAG" ]]; then wrong "tag: say what was deployed"; fi
  local names="\"commit\": \"$RB_SHA\""
  if [[ -n "$RB_DIGEST" ]]; then names+=", \"digest\": \"$RB_DIGEST\""; fi
  request POST /v1/deployments \
    "{\"service\": \"$RB_SERVICE\", \"environment\": \"$RB_ENVIRONMENT\", \"tag\": \"$RB_TAG\", \"phase\": \"complete\", \"names\": {$names}}"
  must_be
  RB_ANNOUNCEMENT=$(field announcement "$answer")
  out announcement "$RB_ANNOUNCEMENT"
  say "announced: $RB_ANNOUNCEMENT"
}

verdict() {
  local watch state
  if [[ -z "$RB_ANNOUNCEMENT" ]]; then wrong "announcement: give what announce has put out"; fi
  while :; do
    request GET "/v1/announcements/$RB_ANNOUNCEMENT?wait=$(wait_for)"
    must_be
    watch=$(field watch "$answer") state=$(field state "$answer")
    if [[ -n "$watch" ]]; then break; fi
    if [[ "$state" != pending ]]; then
      say "$state, and nothing is watched: $(field why "$answer")"
      if [[ "$state" == rejected ]]; then exit 3; fi
      exit 5
    fi
    if (($(left) <= 0)); then timed_out; fi
  done
  out watch "$watch"
  say "watched: $watch"
  request GET "/v1/watches/$watch/verdict?wait=$(wait_for)"
  must_be
  while [[ $(field decided "$answer") != true ]]; do
    if (($(left) <= 0)); then timed_out; fi
    request GET "/v1/watches/$watch/verdict?wait=$(wait_for)"
    must_be
  done
  ended
}

# The time, as RB_SINCE has it, at the latest when the watch $1 began, which its id tells; empty: it tells none. A clock may be 10 s ahead.
began() {
  [[ "$1" =~ ^w_([0-9a-f]{12})[0-9a-f]{20}$ ]] || return 0
  TZ=UTC0 printf '%(%Y-%m-%dT%H:%M:%S)T' $((16#${BASH_REMATCH[1]} / 1000 + 10))
}

# The same from a parameter: of our tag, and of a watch that began since RB_SINCE. Where that is not said, of one of which was told
# since this step began: it may have begun before it.
parameter() {
  local since="${RB_SINCE:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}" problem="" mine="" at
  if [[ -z "$RB_TAG" ]]; then wrong "tag: say whose verdict is waited for"; fi
  command -v aws >/dev/null || wrong "parameter: the command line of AWS is not on this runner"
  while :; do
    if answer=$(aws ssm get-parameter --name "$RB_PARAMETER" --query Parameter.Value --output text 2>&1); then
      if [[ -n "$RB_SINCE" ]]; then at=$(began "$(field watch "$answer")"); else at=$(field at "$answer"); fi
      if [[ $(field tag "$answer") == "$RB_TAG" && ! "${at:0:19}" < "${since:0:19}" ]]; then
        if [[ $(field decided "$answer") == true ]]; then break; fi
        mine=$(field watch "$answer")
      elif [[ -n "$mine" && $(field watch "$answer") > "$mine" ]]; then
        overtaken "$mine"
      fi
    elif [[ "$answer" == *AccessDenied* || "$answer" == *credentials* ]]; then
      say "$RB_PARAMETER may not be read: allow ssm:GetParameter on it to the role of this job: ${answer//$'\n'/ }" >&2
      exit 3
    elif [[ "$answer" != "$problem" && "$answer" != *ParameterNotFound* ]]; then
      say "the parameter cannot be read: ${answer//$'\n'/ }"
      problem="$answer"
    fi
    if (($(left) <= 0)); then timed_out; fi
    sleep "${RB_EVERY:-15}"
  done
  out watch "$(field watch "$answer")"
  ended
}

# A newer deployment stands there: how ours ended in between is not told, and so it is not called passed.
overtaken() {
  out watch "$1"
  out state superseded
  say "superseded: $(field tag "$answer") was deployed since, and how $RB_TAG ended is not known here"
  exit 6
}

ended() {
  local state
  state=$(field state "$answer")
  out state "$state"
  say "$state: $(field words "$answer")"
  case "$state" in
    passed) exit 0 ;;
    rolled_back) exit 1 ;;
    kept) if [[ $(field breached "$answer") == true ]]; then exit 1; fi ;;
    superseded) exit 6 ;;
  esac
  exit 5
}

for input in SERVICE ENVIRONMENT TAG DIGEST SHA ANNOUNCEMENT PARAMETER; do
  variable="RB_$input"
  printf -v "$variable" '%s' "${!variable:-}"
  fits "${input,,}" "${!variable}"
done
RB_URL="${RB_URL:-}" RB_TOKEN="${RB_TOKEN:-}" RB_KEY="${RB_KEY:-by-hand}" RB_TIMEOUT="${RB_TIMEOUT:-60}" RB_URL="${RB_URL%/}" RB_SINCE="${RB_SINCE:-}"
[[ "$RB_TIMEOUT" =~ ^[0-9]{1,4}$ ]] || wrong "timeout: minutes, such as 60"
[[ -z "$RB_SINCE" || "$RB_SINCE" =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$ ]] || wrong "since: a time in UTC, such as 2026-11-30T12:00:00Z"
[[ "$RB_TOKEN" =~ ^[!-~]*$ && "$RB_TOKEN" != *[\"\\]* ]] || wrong "token: not one of rollbackd"
[[ ("${RB_DO:-}" == wait && -n "$RB_PARAMETER") || "$RB_URL" =~ ^https?://[^[:space:]\"]+$ ]] || wrong "url: such as https://rollbackd.example.com"
ENDS=$((SECONDS + 10#$RB_TIMEOUT * 60)) status="" answer=""

case "${RB_DO:-}" in
  gate) gate ;;
  announce) announce ;;
  wait) if [[ -n "$RB_PARAMETER" ]]; then parameter; else verdict; fi ;;
  verdict) announce; verdict ;;
  *) wrong "do: gate, announce, wait or verdict" ;;
esac
