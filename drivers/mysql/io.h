/* io.h — the socket of a connection, as the client library sees it. */
#ifndef MY_IO_H
#define MY_IO_H

#include <ucontext.h>

#include <mysql.h>

/* The library was built with TLS; ma_pvio.h then says what ctls is, but uses uchar before it names it. */
typedef unsigned char uchar;
#define HAVE_TLS 1
#include <ma_pvio.h>

#include "connhub/driver.h"

typedef struct MyTls MyTls;

/* What the library waits for goes through here.  While a connection is being opened or checked step by step the
 * library runs on a stack of its own and a wait returns to step; otherwise a wait is ConnhubHost.wait. */
typedef struct MyIo
{
	const ConnhubHost *host;
	const char *const *addresses;	/* numeric, in order of preference */
	uint32_t	naddresses;
	uint16_t	port;
	int64_t		connect_timeout_ms; /* over all addresses; <= 0: none */

	int			fd;				/* -1: none */
	ConnhubStatus status;		/* why waiting failed first; every later wait fails too */
	int			sys_errno;		/* of the connect, send or receive that failed */
	int64_t		deadline_ms;	/* own bound of waits, 0: none */
	bool		closing;		/* do not wait any more: close is under way */
	bool		more_follows;	/* what is written may wait for the next write */
	bool		quiet;			/* announce no phases: this is not the user's connection */
	bool		must_encrypt;	/* nothing but the request for TLS may leave in clear text */
	bool		encrypting;		/* that request has been sent */
	bool		encrypted;		/* the handshake has succeeded */
	ConnhubPhase phase;			/* where opening stands */
	MyTls	   *tls;
	MARIADB_PVIO *pvio;

	bool		on_own_stack;
	bool		finished;
	void		(*main) (void *arg);
	void	   *arg;
	ucontext_t	caller;
	ucontext_t	opener;
	void	   *stack;			/* NULL: nothing runs there */
	bool		has_news;		/* it returned to announce a phase, not to wait */
	int			events;			/* what it waits for */
	int64_t		wait_until_ms;	/* 0: no own limit */
} MyIo;

/* May this process's client library be driven through its I/O plugin table?  Once per process. */
extern bool my_io_supported(void);

extern void my_io_init(MyIo *io, const ConnhubHost *host);

/* Free the stack, close the socket.  No call of the library may be under way. */
extern void my_io_fini(MyIo *io);

/* Make every later wait and read fail at once. */
extern void my_io_abort(MyIo *io, ConnhubStatus status);

/* Prepare main(arg) to run on a stack of its own.  False: no memory. */
extern bool my_io_begin(MyIo *io, void (*main) (void *arg), void *arg);

/* Run it until it waits or ends.  True: it has ended; false: *wait says what for. */
extern bool my_io_resume(MyIo *io, ConnhubWait *wait);

extern void my_io_enter_phase(MyIo *io, ConnhubPhase phase);

/* The handshake's end shows only at the next wait, or at none. */
extern void my_io_note_handshake(MyIo *io);

/* mysql_real_connect over this io instead of the library's own sockets. */
extern bool my_io_connect(MyIo *io, MYSQL *mysql, const char *name, const char *user,
						  const char *password);

/* Is there a byte to read without waiting?  Decrypted and buffered bytes count. */
extern bool my_io_has_input(MyIo *io);

/* Has the far end closed, or said something although nothing was asked? */
extern bool my_io_is_stale(MyIo *io);

#endif							/* MY_IO_H */
