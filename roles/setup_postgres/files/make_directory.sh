# shellcheck shell=sh
# usage: sh make_directory.sh USER DIRECTORY
#
# Makes a data directory outside of the user's own, as root, with missing directories above it. All existing
# directories above it have to belong to root, and nobody else may write in them. So no link can lead root elsewhere.
set -eu
user=$1
directory=$2

refuse() {
  echo "$1" >&2
  exit 1
}

made=
path=
rest=${directory#/}
while [ -n "$rest" ]; do
  part=${rest%%/*}
  [ "$part" = "$rest" ] && rest= || rest=${rest#*/}
  path=$path/$part
  [ ! -L "$path" ] || refuse "$path is a link: name the directory that it leads to"
  if [ ! -e "$path" ]; then
    mode=0755
    [ -n "$rest" ] || mode=0700
    mkdir -m "$mode" -- "$path"
    [ -n "$rest" ] || chown "$user:" -- "$path"
    made="$made $path"
    continue
  fi
  [ -d "$path" ] || refuse "$path is no directory"
  owner=$(stat --format %U -- "$path")
  if [ -n "$rest" ]; then
    [ "$owner" = root ] || refuse "$path belongs to $owner, who may not make the directory there either"
    case $(stat --format %A -- "$path") in
      d????w* | d???????w*) refuse "others than root may write in $path" ;;
    esac
  elif [ "$owner" = root ] && [ -z "$(ls -A -- "$path")" ]; then
    chown "$user:" -- "$path"
    chmod 0700 -- "$path"
    made="$made $path"
  elif [ "$owner" != "$user" ]; then
    refuse "$path belongs to $owner, not to $user"
  fi
done
echo "made:$made"
