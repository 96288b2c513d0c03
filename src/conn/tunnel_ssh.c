/* conn/tunnel_ssh.c — an SSH session over a connected socket, and channels in it to far hosts.
 *
 * Runs in a tunnel's thread.  libssh is kept from everything that belongs to the server's own account: its configuration,
 * its known hosts, its keys.  The host key is judged before anything is sent that the server behind it
 * should not have. */
#include "postgres.h"

#include <errno.h>
#include <poll.h>

#include <libssh/libssh.h>

#include "common/error.h"
#include "conn/tunnel_ssh.h"

/* How often a server may ask again while one method goes on. */
#define MAX_QUESTIONS 4

typedef enum SshStep
{
	STEP_GREET = 0,
	STEP_JUDGE,
	STEP_LOGIN,
	STEP_READY
} SshStep;

struct ChSsh
{
	ChTunnelPlan *plan;
	ssh_session session;
	ssh_event	event;
	SshStep		step;
	int			method;			/* of the table below, the one being tried */
	int			questions;
	bool		is_partial;		/* one method was accepted and another is wanted */
	ssh_key		key;
	char		tried[128];
};

static ConnhubStatus fail(ChSsh *ssh, const char *what, ConnhubError *error);
static ConnhubStatus judge_host_key(ChSsh *ssh, ConnhubError *error);
static ConnhubStatus login(ChSsh *ssh, ConnhubError *error);

/* Text of the far side, made harmless: one line of printable ASCII. */
static void
copy_plain(char *to, size_t size, const char *from)
{
	size_t		n = strlen(to);

	for (; *from != '\0' && n + 1 < size; from++)
		to[n++] = *from >= ' ' && *from <= '~' ? *from : ' ';
	to[n] = '\0';
}

static bool
set_options(ChSsh *ssh, int fd)
{
	ChTunnelPlan *plan = ssh->plan;
	unsigned int port = plan->ssh_port;
	int			no = 0;
	int			nodelay = 1;
	const char *nothing = "/dev/null";

	return ssh_options_set(ssh->session, SSH_OPTIONS_PROCESS_CONFIG, &no) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_SSH_DIR, nothing) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_HOST, plan->ssh_host) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_PORT, &port) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_USER, plan->ssh_user) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_KNOWNHOSTS, nothing) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, nothing) == 0 &&
		ssh_options_set(ssh->session, SSH_OPTIONS_NODELAY, &nodelay) == 0 &&
		(plan->ssh_agent == NULL ||
		 ssh_options_set(ssh->session, SSH_OPTIONS_IDENTITY_AGENT, plan->ssh_agent) == 0) &&
		ssh_options_set(ssh->session, SSH_OPTIONS_FD, &fd) == 0;
}

/* A server has a key of each kind and shows the one asked for: that of the pin.  An RSA key signs in three ways. */
static bool
ask_for_key(ChSsh *ssh)
{
	const char *algorithm = ssh->plan->pins.algorithm;

	if (!ssh->plan->has_pins || algorithm[0] == '\0')
		return true;
	if (strcmp(algorithm, "ssh-rsa") == 0)
		algorithm = "rsa-sha2-512,rsa-sha2-256";
	return ssh_options_set(ssh->session, SSH_OPTIONS_HOSTKEYS, algorithm) == 0;
}

ChSsh *
ch_ssh_begin(ChTunnelPlan *plan, int fd, ConnhubError *error)
{
	ChSsh	   *ssh = calloc(1, sizeof(ChSsh));

	if (ssh != NULL)
	{
		ssh->plan = plan;
		ssh->session = ssh_new();
		ssh->event = ssh_event_new();
	}
	if (ssh == NULL || ssh->session == NULL || ssh->event == NULL)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		close(fd);
		ch_ssh_end(ssh);
		return NULL;
	}
	if (!set_options(ssh, fd) || !ask_for_key(ssh))
	{
		fail(ssh, "cannot be set up", error);
		close(fd);
		ch_ssh_end(ssh);
		return NULL;
	}
	ssh_set_blocking(ssh->session, 0);
	/* From here on the socket is the session's. */
	if (ch_ssh_step(ssh, error) > CONNHUB_WAIT)
	{
		ch_ssh_end(ssh);
		return NULL;
	}
	return ssh;
}

ConnhubStatus
ch_ssh_step(ChSsh *ssh, ConnhubError *error)
{
	int			rc;

	switch (ssh->step)
	{
		case STEP_GREET:
			rc = ssh_connect(ssh->session);
			if (rc == SSH_AGAIN)
				return CONNHUB_WAIT;
			if (rc != SSH_OK)
				return fail(ssh, "could not agree on a session", error);
			ssh->step = STEP_JUDGE;
			/* FALLTHROUGH */
		case STEP_JUDGE:
			if (judge_host_key(ssh, error) != CONNHUB_OK)
				return error->status;
			ssh->step = STEP_LOGIN;
			/* FALLTHROUGH */
		case STEP_LOGIN:
			if (login(ssh, error) != CONNHUB_OK)
				return error->status;
			if (ssh_event_add_session(ssh->event, ssh->session) != SSH_OK)
				return fail(ssh, "cannot be waited for", error);
			ssh_key_free(ssh->key);
			ssh->key = NULL;
			ssh->step = STEP_READY;
			/* FALLTHROUGH */
		case STEP_READY:
			break;
	}
	return CONNHUB_OK;
}

static ConnhubStatus
fail(ChSsh *ssh, const char *what, ConnhubError *error)
{
	ch_error_set(error, CONNHUB_TUNNEL, "SSH server \"%s\": %s", ssh->plan->ssh_host, what);
	copy_plain(error->detail, sizeof(error->detail), ssh_get_error(ssh->session));
	error->native_code = ssh_get_error_code(ssh->session);
	error->retryable = true;
	return CONNHUB_TUNNEL;
}

/* ---- Host key ---------------------------------------------------------------------------- */

static ConnhubStatus
refuse_host_key(ChSsh *ssh, const char *kind, const char *fingerprint, ConnhubError *error)
{
	if (!ssh->plan->has_pins)
	{
		ch_error_set(error, CONNHUB_CONFIG, "option \"ssh_host_key\" is not set");
		strlcpy(error->hint, "If whoever runs that server confirms the fingerprint, set ssh_host_key to it.",
				sizeof(error->hint));
	}
	else
	{
		ch_error_set(error, CONNHUB_TUNNEL, "the host key of SSH server \"%s\" is not the one in ssh_host_key",
					 ssh->plan->ssh_host);
		strlcpy(error->hint, "Somebody may stand in between.  Change ssh_host_key only if whoever runs the server "
				"confirms the new key.", sizeof(error->hint));
	}
	snprintf(error->detail, sizeof(error->detail), "SSH server \"%s\" shows the %s key %s.", ssh->plan->ssh_host,
			 kind, fingerprint);
	return error->status;
}

static ConnhubStatus
judge_host_key(ChSsh *ssh, ConnhubError *error)
{
	ssh_key		key = NULL;
	unsigned char *digest = NULL;
	size_t		length = 0;
	char	   *fingerprint = NULL;
	ConnhubStatus status = CONNHUB_OK;

	if (ssh_get_server_publickey(ssh->session, &key) != SSH_OK ||
		ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &digest, &length) != 0 ||
		(fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, digest, length)) == NULL)
		status = fail(ssh, "showed no host key", error);
	else if (!ssh->plan->has_pins || !ch_pins_contain(&ssh->plan->pins, digest, length))
		status = refuse_host_key(ssh, ssh_key_type_to_char(ssh_key_type(key)), fingerprint, error);
	ssh_string_free_char(fingerprint);
	ssh_clean_pubkey_hash(&digest);
	ssh_key_free(key);
	return status;
}

/* ---- Logging in -------------------------------------------------------------------------- */

/* Each begins or goes on with one method: SSH_AUTH_..., or SSH_AUTH_DENIED when it has nothing to offer. */
static int
try_key(ChSsh *ssh, ConnhubError *error)
{
	if (ssh->plan->ssh_key == NULL)
		return SSH_AUTH_DENIED;
	/* Never without a passphrase: it would be asked for at the terminal of whoever started the server. */
	if (ssh->key == NULL &&
		ssh_pki_import_privkey_base64(ssh->plan->ssh_key, ssh->plan->ssh_passphrase != NULL ?
									  ssh->plan->ssh_passphrase : "", NULL, NULL, &ssh->key) != SSH_OK)
	{
		ch_error_set(error, CONNHUB_TUNNEL, "the private key in ssh_private_key cannot be read");
		strlcpy(error->hint, "It must be an RSA, ECDSA or Ed25519 key in PEM or OpenSSH format; an encrypted one needs its "
				"ssh_passphrase.", sizeof(error->hint));
		return SSH_AUTH_ERROR;
	}
	return ssh_userauth_publickey(ssh->session, NULL, ssh->key);
}

static int
try_agent(ChSsh *ssh, ConnhubError *error)
{
	return ssh->plan->ssh_agent == NULL ? SSH_AUTH_DENIED : ssh_userauth_agent(ssh->session, NULL);
}

static int
try_password(ChSsh *ssh, ConnhubError *error)
{
	return ssh->plan->ssh_password == NULL ? SSH_AUTH_DENIED :
		ssh_userauth_password(ssh->session, NULL, ssh->plan->ssh_password);
}

/* The password answers the one question that hides what is typed; more would want more than we have. */
static int
try_interactive(ChSsh *ssh, ConnhubError *error)
{
	int			rc;

	if (ssh->plan->ssh_password == NULL || (ssh_userauth_list(ssh->session, NULL) & SSH_AUTH_METHOD_INTERACTIVE) == 0)
		return SSH_AUTH_DENIED;
	while ((rc = ssh_userauth_kbdint(ssh->session, NULL, NULL)) == SSH_AUTH_INFO)
	{
		int			prompts = ssh_userauth_kbdint_getnprompts(ssh->session);
		char		echo = 1;

		if (++ssh->questions > MAX_QUESTIONS || prompts > 1)
			return SSH_AUTH_DENIED;
		if (prompts == 1)
		{
			ssh_userauth_kbdint_getprompt(ssh->session, 0, &echo);
			if (echo || ssh_userauth_kbdint_setanswer(ssh->session, 0, ssh->plan->ssh_password) < 0)
				return SSH_AUTH_DENIED;
		}
	}
	return rc;
}

static const struct
{
	const char *name;
	int			(*step) (ChSsh *ssh, ConnhubError *error);
	size_t		offset;			/* of the plan's field without which it has nothing to offer */
}			methods[] = {
	{"the private key", try_key, offsetof(ChTunnelPlan, ssh_key)},
	{"the agent's keys", try_agent, offsetof(ChTunnelPlan, ssh_agent)},
	{"the password", try_password, offsetof(ChTunnelPlan, ssh_password)},
	{"the password as an answer", try_interactive, offsetof(ChTunnelPlan, ssh_password)},
};

static ConnhubStatus
refused(ChSsh *ssh, ConnhubError *error)
{
	int			list = ssh_userauth_list(ssh->session, NULL);

	ch_error_set(error, CONNHUB_TUNNEL, "SSH server \"%s\" %s user \"%s\"", ssh->plan->ssh_host,
				 ssh->is_partial ? "wants more than it was given of" : "refuses", ssh->plan->ssh_user);
	error->native_code = SSH_AUTH_DENIED;
	snprintf(error->detail, sizeof(error->detail), "Tried: %s.  The server takes:%s%s%s%s.", ssh->tried,
			 (list & SSH_AUTH_METHOD_PUBLICKEY) ? " publickey" : "",
			 (list & SSH_AUTH_METHOD_PASSWORD) ? " password" : "",
			 (list & SSH_AUTH_METHOD_INTERACTIVE) ? " keyboard-interactive" : "",
			 (list & (SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_INTERACTIVE)) == 0 ?
			 " nothing that is known here" : "");
	strlcpy(error->hint, "Check ssh_user, and store ssh_password or ssh_private_key again with connhub.set_credentials.",
			sizeof(error->hint));
	return CONNHUB_TUNNEL;
}

static void
note_tried(ChSsh *ssh)
{
	const char *field = *(char **) ((char *) ssh->plan + methods[ssh->method].offset);

	if (field == NULL)
		return;
	if (ssh->tried[0] != '\0')
		strlcat(ssh->tried, ", ", sizeof(ssh->tried));
	strlcat(ssh->tried, methods[ssh->method].name, sizeof(ssh->tried));
}

static ConnhubStatus
login(ChSsh *ssh, ConnhubError *error)
{
	for (; ssh->method < lengthof(methods); ssh->method++)
	{
		int			rc;

		error->status = CONNHUB_OK;
		rc = methods[ssh->method].step(ssh, error);
		if (rc == SSH_AUTH_SUCCESS)
		{
			error->status = CONNHUB_OK;
			return CONNHUB_OK;
		}
		if (rc == SSH_AUTH_AGAIN)
		{
			error->status = CONNHUB_WAIT;
			return CONNHUB_WAIT;
		}
		if (rc == SSH_AUTH_ERROR && error->status != CONNHUB_OK)
			return error->status;
		/* Some versions report a refusal as an error of this kind. */
		if (rc == SSH_AUTH_ERROR && ssh_get_error_code(ssh->session) != SSH_REQUEST_DENIED)
			return fail(ssh, "ended the session while logging in", error);
		if (rc == SSH_AUTH_PARTIAL)
			ssh->is_partial = true;
		note_tried(ssh);
	}
	return refused(ssh, error);
}

/* ---- Channels ---------------------------------------------------------------------------- */

int
ch_ssh_fd(const ChSsh *ssh)
{
	return ssh_get_fd(ssh->session);
}

short
ch_ssh_events(const ChSsh *ssh)
{
	return POLLIN | ((ssh_get_poll_flags(ssh->session) & SSH_WRITE_PENDING) ? POLLOUT : 0);
}

bool
ch_ssh_serve(ChSsh *ssh)
{
	return ssh_event_dopoll(ssh->event, 0) != SSH_ERROR &&
		(ssh_get_status(ssh->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0;
}

void
ch_ssh_lost(ChSsh *ssh, ConnhubError *error)
{
	fail(ssh, "ended the session", error);
}

/* The reasons of RFC 4254, 5.1.  libssh tells the number in its text alone, whose form is its own. */
static int
open_reason(const char *text)
{
	const char *p = strstr(text, "error (");

	return p != NULL ? atoi(p + strlen("error (")) : 0;
}

static ConnhubStatus
open_failed(ChSsh *ssh, ConnhubError *error)
{
	static const struct
	{
		const char *meaning;
		const char *hint;
	}			reasons[] = {
		[0] = {"opened no way to the source", NULL},
		[1] = {"does not allow connections to the source", "Check AllowTcpForwarding and PermitOpen there."},
		[2] = {"could not connect to the source", "Check host and port of the connector as seen from the SSH server."},
		[3] = {"forwards no connections", "Check AllowTcpForwarding there."},
		[4] = {"has no capacity left", NULL},
	};
	int			reason = open_reason(ssh_get_error(ssh->session));

	if (reason < 0 || reason >= lengthof(reasons))
		reason = 0;
	ch_error_set(error, CONNHUB_TUNNEL, "SSH server \"%s\" %s", ssh->plan->ssh_host, reasons[reason].meaning);
	copy_plain(error->detail, sizeof(error->detail), ssh_get_error(ssh->session));
	if (reasons[reason].hint != NULL)
		strlcpy(error->hint, reasons[reason].hint, sizeof(error->hint));
	error->native_code = reason;
	error->retryable = reason == 2 || reason == 4;
	return CONNHUB_TUNNEL;
}

ConnhubStatus
ch_ssh_open(ChSsh *ssh, ChSshChannel **channel, ConnhubError *error)
{
	int			rc;

	if (*channel == NULL)
		*channel = ssh_channel_new(ssh->session);
	if (*channel == NULL)
	{
		ch_error_set(error, CONNHUB_NO_MEMORY, "out of memory");
		return CONNHUB_NO_MEMORY;
	}
	rc = ssh_channel_open_forward(*channel, ssh->plan->host, ssh->plan->host_port, "127.0.0.1", 0);
	if (rc == SSH_OK)
		return CONNHUB_OK;
	return rc == SSH_AGAIN ? CONNHUB_WAIT : open_failed(ssh, error);
}

ssize_t
ch_ssh_read(ChSshChannel *channel, void *data, size_t size)
{
	int			n = ssh_channel_read_nonblocking(channel, data, size, 0);

	if (n > 0)
		return n;
	if (n == SSH_EOF || ssh_channel_is_eof(channel))
		return 0;
	errno = n == SSH_ERROR || ssh_channel_is_closed(channel) ? ECONNRESET : EAGAIN;
	return -1;
}

/* Never more than the window: libssh would look for more of it and take in what others should be told of. */
ssize_t
ch_ssh_write(ChSshChannel *channel, const void *data, size_t size)
{
	size_t		window = ssh_channel_window_size(channel);
	int			n;

	errno = EAGAIN;
	if (ssh_channel_is_closed(channel))
		errno = ECONNRESET;
	else if (window > 0)
	{
		n = ssh_channel_write(channel, data, Min(size, window));
		if (n > 0)
			return n;
		errno = n == SSH_ERROR ? ECONNRESET : EAGAIN;
	}
	return -1;
}

bool
ch_ssh_send_eof(ChSshChannel *channel)
{
	return ssh_channel_send_eof(channel) != SSH_ERROR;
}

void
ch_ssh_close(ChSshChannel *channel)
{
	if (channel != NULL)
		ssh_channel_free(channel);
}

void
ch_ssh_end(ChSsh *ssh)
{
	if (ssh == NULL)
		return;
	ssh_key_free(ssh->key);
	if (ssh->step == STEP_READY)
		ssh_event_remove_session(ssh->event, ssh->session);
	if (ssh->event != NULL)
		ssh_event_free(ssh->event);
	if (ssh->session != NULL)
	{
		/* ssh_disconnect leaves a socket open that it was given. */
		ssh_silent_disconnect(ssh->session);
		ssh_free(ssh->session);
	}
	free(ssh);
}
