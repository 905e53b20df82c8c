# shellcheck shell=sh
# usage: sh try_parameters.sh PROGRAMS <PARAMETERS
#
# Makes the server of the directory PROGRAMS read parameters as it does when it starts. It does not start: it is asked
# for one parameter, answers and ends, or says what it cannot read.
set -eu
umask 077
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cat >"$directory/parameters"
"$1/postgres" -C port -c "config_file=$directory/parameters" -c "data_directory=$directory" \
  -c hba_file=/dev/null -c ident_file=/dev/null
