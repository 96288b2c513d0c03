# test/servers/mongodb_lib.sh — what the scripts of MongoDB's protocol share; sourced by bash after lib.sh.

software=${CONNHUB_TEST_SOFTWARE:-/var/lib/connhub-test}

# Run a server in the background, and note its own process id.
run_server() {
	as_server setsid bash -c 'echo $$ >"$0"; exec "$@"' "$folder/pid" "$@" >"$folder/log" 2>&1 </dev/null &
}

# Wait for the server in $folder, build the loader, and tell tests where it is: the prefix of the variables.
start_common() {
	wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$(cat "$folder/port")" || {
		cat "$folder/log" >&2
		stop
		die "the server did not start"
	}
	as_server gcc -O1 -o "$folder/load" "$servers_dir/mongodb_load.c" $(pkg-config --cflags --libs libmongoc-1.0)
	write_env "$folder" "$1_HOST=127.0.0.1" "$1_PORT=$(cat "$folder/port")" "$1_DATABASE=shop" "${@:2}"
}

# Standard input into database shop.
load() {
	as_server "$folder/load" "mongodb://${account:-}127.0.0.1:$(cat "$folder/port")" shop
}

# The shop, its decimals as the type given.
seed() {
	[ -s "$folder/port" ] || return 0
	rm -f "$folder/shop.db"
	as_server sqlite3 -bail "$folder/shop.db" <"$servers_dir/seed/sqlite.sql" >/dev/null
	as_server sqlite3 -bail "$folder/shop.db" <"$servers_dir/seed/mongodb.sql" |
		sed "s/\\\$numberDecimal/${decimal:-\$numberDecimal}/g" | load
}

stop() {
	stop_pid "$folder/pid" TERM 20
}
