/* conn/tunnel_ssh.h — an SSH session over a connected socket, and channels in it to far hosts.  In a tunnel's thread. */
#ifndef CH_CONN_TUNNEL_SSH_H
#define CH_CONN_TUNNEL_SSH_H

#include <sys/types.h>

#include "conn/tunnel_plan.h"

typedef struct ChSsh ChSsh;
typedef struct ssh_channel_struct ChSshChannel;

/* Begin over the socket, which the session owns from now on, whatever comes.  NULL: the error is filled. */
extern ChSsh *ch_ssh_begin(ChTunnelPlan *plan, int fd, ConnhubError *error);

/* Go on logging in: OK, WAIT (for ch_ssh_fd), or a failure. */
extern ConnhubStatus ch_ssh_step(ChSsh *ssh, ConnhubError *error);

/* Its socket, or -1 when it is gone; the poll events it waits for. */
extern int	ch_ssh_fd(const ChSsh *ssh);
extern short ch_ssh_events(const ChSsh *ssh);

/* Take in and send what is ready.  False: the session is of no more use. */
extern bool ch_ssh_serve(ChSsh *ssh);

/* What became of a session that is of no more use. */
extern void ch_ssh_lost(ChSsh *ssh, ConnhubError *error);

/* Open a channel to the plan's host: *channel is NULL at first.  OK, WAIT or a failure. */
extern ConnhubStatus ch_ssh_open(ChSsh *ssh, ChSshChannel **channel, ConnhubError *error);

/* As read(2) and write(2) without waiting, with errno EAGAIN; 0 from read: the far end sends no more. */
extern ssize_t ch_ssh_read(ChSshChannel *channel, void *data, size_t size);
extern ssize_t ch_ssh_write(ChSshChannel *channel, const void *data, size_t size);
extern bool ch_ssh_send_eof(ChSshChannel *channel);
extern void ch_ssh_close(ChSshChannel *channel);

extern void ch_ssh_end(ChSsh *ssh);

#endif
