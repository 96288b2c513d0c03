/* health/expiry.c — certificates that are about to end.
 *
 * Looks at whatever option of a connector holds certificates in PEM, own ones and those of authorities. */
#include "postgres.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "catalog/cat_event.h"
#include "catalog/cat_sql.h"
#include "catalog/catalog.h"
#include "common/guc.h"
#include "health/expiry.h"

#define CERTIFICATE_BEGIN "-----BEGIN CERTIFICATE-----"

#define CERTIFICATE_OPTIONS \
	"SELECT c.id, c.tenant_id, c.name, o.key, o.value" \
	" FROM connhub_catalog.connector AS c, LATERAL jsonb_each_text(c.options) AS o" \
	" WHERE c.deleted_at IS NULL AND c.enabled AND c.status <> 'MAINTENANCE'" \
	" AND o.value LIKE '%" CERTIFICATE_BEGIN "%' ORDER BY c.id, o.key"

typedef struct Certificate
{
	char		fingerprint[2 * EVP_MAX_MD_SIZE + 1];
	int64		ends_at;		/* seconds since 1970 */
	char		subject[256];
} Certificate;

/* The option of a connector that holds certificates. */
typedef struct Holder
{
	pg_uuid_t	connector;
	pg_uuid_t	tenant;
	char	   *name;
	char	   *option;
	char	   *pem;
} Holder;

static bool
read_certificate(X509 *x509, Certificate *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	struct tm	tm;

	if (X509_digest(x509, EVP_sha256(), digest, &length) != 1 || ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1)
		return false;
	certificate->ends_at = timegm(&tm);
	for (unsigned int i = 0; i < length; i++)
		snprintf(certificate->fingerprint + 2 * i, 3, "%02x", digest[i]);
	X509_NAME_oneline(X509_get_subject_name(x509), certificate->subject, sizeof(certificate->subject));
	return true;
}

/* Note it, unless that was done before. */
static bool
note(const Holder *holder, const Certificate *certificate, const char *stage)
{
	ChSql		sql;
	uint64		added;

	ch_sql_begin(&sql);
	ch_sql_uuid(&sql, &holder->connector);
	ch_sql_text(&sql, certificate->fingerprint);
	ch_sql_text(&sql, stage);
	added = ch_sql_run(&sql, "INSERT INTO connhub_catalog.expiry_notice (connector_id, fingerprint, stage)"
					   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
	ch_sql_end(&sql);
	return added > 0;
}

static Jsonb *
render_detail(const Holder *holder, const Certificate *certificate, const char *ends_at)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "{\"option\": ");
	escape_json(&text, holder->option);
	appendStringInfoString(&text, ", \"ends_at\": ");
	escape_json(&text, ends_at);
	appendStringInfoString(&text, ", \"subject\": ");
	escape_json(&text, certificate->subject);
	appendStringInfo(&text, ", \"sha256\": \"%s\"}", certificate->fingerprint);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data)));
}

static bool
check_certificate(const Holder *holder, const Certificate *certificate)
{
	int64		left = certificate->ends_at - timestamptz_to_time_t(GetCurrentTimestamp());
	bool		is_expired = left <= 0;
	const char *ends_at;
	ChEvent		event = {.tenant = &holder->tenant, .connector = &holder->connector, .kind = "expiry"};

	if (left > (int64) ch_expiry_warning_days * SECS_PER_DAY)
		return false;
	if (!note(holder, certificate, is_expired ? "expired" : "soon"))
		return false;
	ends_at = pstrdup(timestamptz_to_str(time_t_to_timestamptz((pg_time_t) certificate->ends_at)));
	event.severity = is_expired ? "error" : "warning";
	event.message = psprintf("a certificate in option %s of connector \"%s\" %s at %s", holder->option, holder->name,
							 is_expired ? "expired" : "expires", ends_at);
	event.detail = render_detail(holder, certificate, ends_at);
	ch_event_record(&event);
	return true;
}

static int
count_certificates(const char *pem)
{
	int			count = 0;

	for (const char *p = pem; (p = strstr(p, CERTIFICATE_BEGIN)) != NULL; p += strlen(CERTIFICATE_BEGIN))
		count++;
	return count;
}

/* Read at most `most` certificates of a PEM text; how many they are.  Throws nothing. */
static int
read_certificates(const char *pem, Certificate *certificates, int most)
{
	BIO		   *bio = BIO_new_mem_buf(pem, -1);
	X509	   *x509;
	int			count = 0;

	/* Without a passphrase, an encrypted one would have OpenSSL ask for it at the terminal. */
	while (bio != NULL && count < most && (x509 = PEM_read_bio_X509(bio, NULL, NULL, "")) != NULL)
	{
		if (read_certificate(x509, &certificates[count]))
			count++;
		X509_free(x509);
	}
	/* The end of the text is an error in the queue. */
	ERR_clear_error();
	BIO_free(bio);
	return count;
}

static int64
check_holder(const Holder *holder)
{
	int			most = count_certificates(holder->pem);
	Certificate *certificates = palloc0(sizeof(Certificate) * Max(most, 1));
	int			count = read_certificates(holder->pem, certificates, most);
	int64		recorded = 0;

	for (int i = 0; i < count; i++)
		recorded += check_certificate(holder, &certificates[i]) ? 1 : 0;
	pfree(certificates);
	return recorded;
}

static List *
load_holders(void)
{
	ChSql		sql;
	List	   *holders = NIL;
	uint64		count;
	MemoryContext before;

	ch_sql_begin(&sql);
	count = ch_sql_run(&sql, CERTIFICATE_OPTIONS);
	before = MemoryContextSwitchTo(sql.caller);
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Holder	   *holder = palloc(sizeof(Holder));
		bool		isnull;

		holder->connector = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
		holder->tenant = *DatumGetUUIDP(SPI_getbinval(row, desc, 2, &isnull));
		holder->name = TextDatumGetCString(SPI_getbinval(row, desc, 3, &isnull));
		holder->option = TextDatumGetCString(SPI_getbinval(row, desc, 4, &isnull));
		holder->pem = TextDatumGetCString(SPI_getbinval(row, desc, 5, &isnull));
		holders = lappend(holders, holder);
	}
	MemoryContextSwitchTo(before);
	ch_sql_end(&sql);
	return holders;
}

int64
ch_expiry_check(void)
{
	int64		recorded = 0;
	ListCell   *lc;

	foreach(lc, load_holders())
		recorded += check_holder(lfirst(lc));
	return recorded;
}
