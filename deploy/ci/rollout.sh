#!/bin/sh
# What a CI job does with a topology file; exit statuses are those of crossdock.
#   rollout.sh check FILE   validates and plans; plan.md is the comment for the merge request
#   rollout.sh apply FILE   applies, and shows that nothing is left to do
set -u
file=$2
case $1 in
check)
  crossdock validate "$file" || exit
  crossdock plan "$file" > plan.txt
  status=$?
  # In a diff block `+` and `-` have colours; `!` is the one for changes.
  { echo '```diff'; sed 's/^~/!/' plan.txt; echo '```'; } > plan.md
  exit $status ;;
apply)
  crossdock apply "$file" --yes || exit
  crossdock plan "$file" --exit-code > /dev/null ;;
*)
  sed -n 's/^# *//p' "$0" >&2
  exit 2 ;;
esac
