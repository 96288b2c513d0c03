# test/servers/lib.sh — what every server script shares; sourced by bash.
#
# A server lives in one folder: its data, log, socket, pid and an "env" file of shell assignments that tells
# tests where it is.  It listens on loopback only, at a free port.  Servers that refuse root run as
# the user postgres then; without root everything runs as the caller.

servers_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# A path that stays the same when the script leaves the caller's folder, which the servers' user may not enter.
absolute() {
	[ -z "$1" ] || realpath -m -- "$1"
}

# Run a command as the user that owns the servers.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups \
			env HOME="${TMPDIR:-/tmp}" USER=postgres LOGNAME=postgres "$@"
	else
		"$@"
	fi
}

# Make a folder that the servers' user owns.
server_folder() {
	mkdir -p "$1"
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$1"
}

# A port of 127.0.0.1 that nobody listens on.  Below the range the kernel gives to outgoing
# connections, so that it stays free until the server binds it.
free_port() {
	perl -MIO::Socket::INET -e '
		for (1 .. 500) {
			my $port = 15000 + int(rand(16000));
			my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
				Proto => "tcp", Listen => 1) or next;
			print "$port\n";
			exit 0;
		}
		die "no free port\n"'
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

# stop_pid FILE [SIGNAL [SECONDS]]: end the process whose id the file holds, and wait until it is gone.
stop_pid() {
	local file=$1 signal=${2:-TERM} seconds=${3:-20} pid
	[ -s "$file" ] || return 0
	pid=$(head -n 1 "$file")
	kill -"$signal" "$pid" 2>/dev/null || true
	if ! wait_for "$seconds" gone "$pid"; then
		kill -KILL "$pid" 2>/dev/null || true
		wait_for 5 gone "$pid" || true
	fi
	rm -f "$file"
}

# Is the process gone?  One that nobody has reaped yet counts as gone.
gone() {
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

# sweep FOLDER: end whatever still runs with its working directory or program below the folder, and print it.
sweep() {
	local folder=$1 proc pid found=
	for proc in /proc/[0-9]*; do
		pid=${proc#/proc/}
		[ "$pid" != $$ ] || continue
		case "$(readlink "$proc/cwd" 2>/dev/null) $(readlink "$proc/exe" 2>/dev/null)" in
		"$folder"/* | *" $folder"/*)
			gone "$pid" && continue
			echo "still running: $pid $(tr '\0' ' ' <"$proc/cmdline" 2>/dev/null | cut -c1-120)"
			kill -KILL "$pid" 2>/dev/null || true
			found="$found $pid"
			;;
		esac
	done
	for pid in $found; do
		wait_for 5 gone "$pid" || true
	done
}

# write_env FOLDER NAME=VALUE...: tell tests where the server is.
write_env() {
	local folder=$1 pair
	shift
	for pair in "$@"; do
		printf 'export %s=%q\n' "${pair%%=*}" "${pair#*=}"
	done >"$folder/env"
}
