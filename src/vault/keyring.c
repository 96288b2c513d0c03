/* vault/keyring.c — master-key providers: a file, an environment variable, or a command.
 *
 * A key is 32 bytes, as they are (file and command only), as 64 hexadecimal digits, or as base64.  It is
 * fetched anew each time and wiped after use, so that it is not to be found in an idle backend.  The
 * default file is linked into place complete, so that no other process reads half a key. */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "common/error.h"
#include "common/guc.h"
#include "common/wait.h"
#include "vault/keyring.h"

#define DEFAULT_FILE "connhub_master.key"
#define MAX_TEXT 1024
#define BASE64_LENGTH ((CH_KEY_BYTES + 2) / 3 * 4)	/* with one "=" */
#define COMMAND_TIMEOUT_MS 10000

extern char **environ;

/* What a provider read; wiped by the caller. */
typedef struct KeyText
{
	char		data[MAX_TEXT + 1];
	int			length;
} KeyText;

typedef void (*KeyReader) (const char *where, KeyText *text);

static void read_file(const char *path, KeyText *text);
static void read_environment(const char *name, KeyText *text);
static void read_command(const char *command, KeyText *text);
static void create_default(void);
static bool parse_key(const KeyText *text, uint8 *key);

static const struct
{
	const char *prefix;
	KeyReader	read;
}			providers[] = {
	{"file:", read_file},
	{"env:", read_environment},
	{"command:", read_command},
};

void
ch_master_key_fetch(uint8 *key, bool may_create)
{
	if (may_create && ch_master_key[0] == '\0' && access(DEFAULT_FILE, F_OK) != 0)
		create_default();
	ch_key_fetch(ch_master_key, key);
}

void
ch_key_fetch(const char *source, uint8 *key)
{
	KeyText		text;
	bool		ok;

	text.length = 0;
	if (source[0] == '\0')
		read_file(DEFAULT_FILE, &text);
	for (int i = 0; i < lengthof(providers); i++)
	{
		Size		length = strlen(providers[i].prefix);

		if (strncmp(source, providers[i].prefix, length) == 0)
			providers[i].read(source + length, &text);
	}
	ok = parse_key(&text, key);
	ch_wipe(&text, sizeof(text));
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_CH_VAULT),
				 errmsg("the master key of connhub is malformed"),
				 errdetail("A key has %d bytes, written as %d hexadecimal digits or as base64.",
						   CH_KEY_BYTES, 2 * CH_KEY_BYTES),
				 errhint("Make one with \"openssl rand -hex %d\" and name it in connhub.master_key.",
						 CH_KEY_BYTES)));
}

/* Where the key is, is the business of those who may read the setting. */
static void
key_unavailable(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_CH_VAULT),
			 errmsg("the master key of connhub is not available"),
			 superuser() ? errdetail_internal("%s", detail) : errdetail_log("%s", detail),
			 superuser() ? errhint("%s", hint) : errhint("Ask a superuser to look into the server log.")));
}

/* The rule for the server's own private keys: nobody else may read it, but root may own it and let the
 * server's group read. */
static bool
file_is_private(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return false;
	if (st->st_uid == geteuid())
		return (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
	return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
}

static void
read_file(const char *path, KeyText *text)
{
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat st;
	int			n;

	if (fd < 0)
		key_unavailable(psprintf("The file \"%s\" could not be opened: %s.", path, strerror(errno)),
						"Restore the file from its backup, or correct connhub.master_key.  Without the key, "
						"store the credentials again with connhub.set_credentials.");
	if (fstat(fd, &st) != 0 || !file_is_private(&st))
	{
		CloseTransientFile(fd);
		key_unavailable(psprintf("The file \"%s\" is not a private file of the server's user.", path),
						"Set its owner to the user who runs the server and its mode to 0600.");
	}
	n = read(fd, text->data, MAX_TEXT);
	CloseTransientFile(fd);
	text->length = Max(n, 0);
}

static void
read_environment(const char *name, KeyText *text)
{
	const char *value = getenv(name);

	if (value == NULL)
		key_unavailable(psprintf("The server's environment has no variable \"%s\".", name),
						"Set the variable for the server's service and restart it, or correct connhub.master_key.");
	text->length = strlcpy(text->data, value, sizeof(text->data));
	text->length = Min(text->length, MAX_TEXT);
}

/* Run the command with default signals in a process group of its own. */
static pid_t
command_start(const char *command, int output)
{
	char	   *argv[] = {"sh", "-c", unconstify(char *, command), NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t	none;
	sigset_t	all;
	pid_t		pid = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if (posix_spawn(&pid, "/bin/sh", &actions, &attr, argv, environ) != 0)
		pid = -1;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* Read its output to the end. */
static ConnhubStatus
command_read(int fd, KeyText *text)
{
	ConnhubStatus status;

	while ((status = ch_wait(fd, CONNHUB_READABLE, -1)) == CONNHUB_OK)
	{
		int			n = read(fd, text->data + text->length, MAX_TEXT - text->length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		text->length += n;
	}
	return status;
}

/* Wait until it has ended, and end it with all it started when it does not. */
static ConnhubStatus
command_reap(pid_t pid, ConnhubStatus status, int *exit_status)
{
	while (status == CONNHUB_OK && waitpid(pid, exit_status, WNOHANG) == 0)
		status = ch_wait(-1, 0, 5);
	if (status != CONNHUB_OK)
	{
		kill(-pid, SIGKILL);
		while (waitpid(pid, exit_status, 0) < 0 && errno == EINTR)
			;
	}
	return status;
}

/* Between start and reap nothing throws. */
static void
read_command(const char *command, KeyText *text)
{
	int			fds[2];
	pid_t		pid;
	ConnhubStatus status = CONNHUB_INTERNAL;
	ChDeadline	deadline;
	int			exit_status = -1;

	if (pipe2(fds, O_CLOEXEC) != 0)
		key_unavailable("No pipe to the command in connhub.master_key could be made.", "Try again later.");
	ch_deadline_begin(&deadline, COMMAND_TIMEOUT_MS);
	pid = command_start(command, fds[1]);
	close(fds[1]);
	if (pid > 0)
	{
		status = command_read(fds[0], text);
		status = command_reap(pid, status, &exit_status);
	}
	close(fds[0]);
	ch_deadline_end(&deadline);
	if (status == CONNHUB_OK && exit_status == 0)
		return;

	ch_wipe(text, sizeof(*text));
	if (status == CONNHUB_CANCELLED)
	{
		ConnhubError error = {.status = CONNHUB_CANCELLED};

		ch_error_raise(&error, NULL);
	}
	key_unavailable(status == CONNHUB_TIMEOUT ? "The command in connhub.master_key did not end in time." :
					"The command in connhub.master_key failed.",
					"Run the command by hand as the user who runs the server; it must print the key and exit with 0.");
}

bool
ch_key_is_variable(const char *name)
{
	const char *const sources[] = {ch_master_key, ch_former_master_key};

	for (int i = 0; i < lengthof(sources); i++)
		if (strncmp(sources[i], "env:", 4) == 0 && strcmp(sources[i] + 4, name) == 0)
			return true;
	return false;
}

bool
ch_key_is_file(const struct stat *st)
{
	const char *const sources[] = {ch_master_key, ch_former_master_key};

	for (int i = 0; i < lengthof(sources); i++)
	{
		struct stat key;

		if (strncmp(sources[i], "file:", 5) == 0 && stat(sources[i] + 5, &key) == 0 &&
			key.st_dev == st->st_dev && key.st_ino == st->st_ino)
			return true;
	}
	return false;
}

static void
create_default(void)
{
	uint8		key[CH_KEY_BYTES];
	char		hex[2 * CH_KEY_BYTES + 2];
	char		temporary[MAXPGPATH];
	int			fd;
	bool		ok;

	ch_random(key, sizeof(key));
	for (int i = 0; i < CH_KEY_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	ch_wipe(key, sizeof(key));
	hex[2 * CH_KEY_BYTES] = '\n';

	snprintf(temporary, sizeof(temporary), "%s.%d", DEFAULT_FILE, MyProcPid);
	unlink(temporary);
	fd = OpenTransientFilePerm(temporary, O_WRONLY | O_CREAT | O_EXCL | PG_BINARY, 0600);
	ok = fd >= 0 && write(fd, hex, 2 * CH_KEY_BYTES + 1) == 2 * CH_KEY_BYTES + 1 && pg_fsync(fd) == 0;
	ch_wipe(hex, sizeof(hex));
	if (fd >= 0)
		CloseTransientFile(fd);

	/* Somebody else may have been quicker: then theirs is the key. */
	ok = ok && (link(temporary, DEFAULT_FILE) == 0 || errno == EEXIST);
	unlink(temporary);
	if (!ok)
		key_unavailable(psprintf("The file \"%s\" could not be created in the data directory.", DEFAULT_FILE),
						"Make room in the data directory, or name a key in connhub.master_key.");
	fsync_fname(".", true);
	ereport(NOTICE,
			(errmsg("connhub has created its master key in the file \"%s\" of the data directory", DEFAULT_FILE),
			 errhint("Back the file up apart from the database: without it, stored credentials cannot be opened.")));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = pg_ascii_tolower((unsigned char) c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_key(const KeyText *text, uint8 *key)
{
	int			length = text->length;

	if (length == CH_KEY_BYTES)
	{
		memcpy(key, text->data, CH_KEY_BYTES);
		return true;
	}
	while (length > 0 && strchr(" \t\r\n", text->data[length - 1]) != NULL)
		length--;
	if (length == 2 * CH_KEY_BYTES)
	{
		for (int i = 0; i < CH_KEY_BYTES; i++)
		{
			int			high = hex_digit(text->data[2 * i]);
			int			low = hex_digit(text->data[2 * i + 1]);

			if (high < 0 || low < 0)
				return false;
			key[i] = high << 4 | low;
		}
		return true;
	}
	if (length == BASE64_LENGTH && text->data[length - 1] == '=' && text->data[length - 2] != '=')
	{
		uint8		decoded[BASE64_LENGTH];
		bool		ok = EVP_DecodeBlock(decoded, (const uint8 *) text->data, length) == CH_KEY_BYTES + 1;

		if (ok)
			memcpy(key, decoded, CH_KEY_BYTES);
		ch_wipe(decoded, sizeof(decoded));
		return ok;
	}
	return false;
}
