# shellcheck shell=sh
# usage: sh try_rules.sh PROGRAMS <RULES
#
# Makes a server of the directory PROGRAMS read rules for pg_hba.conf. Prints a line for each rule that it does not
# understand, and at last how many it read. The server is a new one in single-user mode: it listens nowhere, and is
# removed.
set -eu
umask 077
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cat >"$directory/rules"
"$1/initdb" --pgdata "$directory/data" --auth reject --no-sync --encoding UTF8 --locale C >/dev/null
"$1/postgres" --single -D "$directory/data" -c ssl=on -c "hba_file=$directory/rules" postgres \
  <<'SQL' >"$directory/answer" 2>"$directory/log"
SELECT 'line ' || line_number || ': ' || error AS fault FROM pg_hba_file_rules WHERE error IS NOT NULL
SELECT 'rules: ' || count(*) AS fault FROM pg_hba_file_rules WHERE error IS NULL
SQL
sed -n 's/^.*: fault = "\(.*\)"[[:blank:]](typeid.*$/\1/p' "$directory/answer"
