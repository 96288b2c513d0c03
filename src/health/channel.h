/* health/channel.h — the options of a channel: checked when it is made, read when it is used. */
#ifndef CH_HEALTH_CHANNEL_H
#define CH_HEALTH_CHANNEL_H

#include "nodes/pg_list.h"

#include "catalog/cat_channel.h"

typedef struct ChChannelOptions
{
	const char *ssl_ca;			/* PEM; NULL: what this machine trusts */
	List	   *headers;		/* webhook: "Name: value" */
	bool		bearer;			/* webhook: the secret is a bearer token, and signs nothing */
	const char *smtp_url;		/* email; NULL: the setting connhub.smtp_url */
	const char *smtp_from;		/* with smtp_url; NULL: the setting connhub.smtp_from */
	const char *smtp_user;		/* NULL: no authentication */
	bool		smtp_plain;		/* smtp_tls is none: STARTTLS is not asked for */
} ChChannelOptions;

/* The options of a channel, in the current memory context.  Throws ERRCODE_CH_INVALID_CONFIGURATION when they, or the
 * target, cannot be used. */
extern ChChannelOptions *ch_channel_options(const ChChannel *channel);

/* The addresses of an email channel: strings.  Throws. */
extern List *ch_channel_recipients(const ChChannel *channel);

#endif
