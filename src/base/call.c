/*
 * call.c
 *		A call: one public function from entry to return.
 *
 * Memory: the stack of calls is a static array; reasons are copied to
 * TopTransactionContext by whoever needs them longer than the call.  Nothing
 * here locks.
 *
 * Invariant: calls[0 .. depth) are the calls in progress, innermost last, each
 * with the subtransaction level it began at.  When a level is rolled back, the
 * calls that began at it or deeper are gone, so they are popped then: after an
 * error nobody returns through usom_call_end().
 */
#include "postgres.h"

#include "base/call.h"

#include "access/xact.h"
#include "base/errors.h"
#include "base/fetch.h"
#include "base/owner.h"
#include "base/query.h"
#include "base/settings.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_DEPTH 32
#define MAX_CALLBACKS 16

/* What the tables must have been made by; rises with every migration step released. */
#define SCHEMA_VERSION 1

typedef struct Call
{
	const char *verb;
	const char *reason;
	int			level;			/* subtransaction nesting when it began */
} Call;

static Call calls[MAX_DEPTH];
static int	depth = 0;
static TimestampTz started_at;
static uint32 installed = 0;	/* usom_owner_changes() when it was looked; 0: not */

static UsomCallEnd end_callbacks[MAX_CALLBACKS];
static int	end_callback_count = 0;
static UsomForget abort_callbacks[MAX_CALLBACKS];
static int	abort_callback_count = 0;

PG_FUNCTION_INFO_V1(usom__check_installed);
PG_FUNCTION_INFO_V1(usom__statement_count);

static UsomFetch schema_version = {
	.table = "_schema_step",
	.index = "_schema_step_pkey",
	.order = {"version"},
	.backward = true,
	.limit = 1,
	.ncolumns = 1,
	.columns = {{"version", "integer"}},
	.query = {
		.text = "SELECT s.version FROM usom._schema_step AS s ORDER BY s.version DESC LIMIT 1",
	},
};

/* The last one. */
static int32
find_version(void)
{
	return usom_fetch_run(&schema_version, NULL, NULL) > 0 ? DatumGetInt32(usom_query_get(0, 1)) : 0;
}

/* The tables have no owner where there are none. */
static void
check_installed_connected(void)
{
	int32		version;

	if (!OidIsValid(usom_owner_get()))
		ereport(ERROR, errcode(USOM_ERR(NOT_INSTALLED)),
				errmsg("usom is not installed in this database"),
				errdetail("The extension is there, its tables are not."),
				errhint("Run: SELECT usom.install();"));
	version = find_version();
	if (version != SCHEMA_VERSION)
		ereport(ERROR, errcode(USOM_ERR(SCHEMA_VERSION)),
				errmsg("the tables of usom do not fit its library"),
				errdetail("The tables are of version %d, the library wants version %d.", version, SCHEMA_VERSION),
				errhint("Run: SELECT usom.upgrade();"));
	installed = usom_owner_changes();
}

void
usom_call_check_installed(void)
{
	if (likely(installed == usom_owner_changes()))
		return;
	SPI_connect();
	check_installed_connected();
	SPI_finish();
}

void
usom_call_begin(const char *verb, const char *reason)
{
	if (depth == MAX_DEPTH)
		ereport(ERROR, errcode(USOM_ERR(NESTED_TOO_DEEP)),
				errmsg("usom calls are nested more than %d deep", MAX_DEPTH),
				errhint("Look for a trigger that calls usom from within usom."));
	SPI_connect();
	if (unlikely(installed != usom_owner_changes()))
		check_installed_connected();
	if (depth == 0)
		started_at = GetCurrentTimestamp();
	calls[depth++] = (Call) {verb, reason, GetCurrentTransactionNestLevel()};
}

void
usom_call_end(void)
{
	Assert(depth > 0);
	if (depth == 1)
		for (int i = 0; i < end_callback_count; i++)
			end_callbacks[i] ();
	depth--;
	SPI_finish();
}

bool
usom_call_active(void)
{
	return depth > 0;
}

const char *
usom_call_verb(void)
{
	return depth > 0 ? calls[depth - 1].verb : NULL;
}

/* The outermost call that gave a reason gave it for all that follows from it. */
const char *
usom_call_reason(void)
{
	for (int i = 0; i < depth; i++)
		if (calls[i].reason != NULL)
			return calls[i].reason;
	return usom_setting_reason[0] != '\0' ? usom_setting_reason : NULL;
}

TimestampTz
usom_call_time(void)
{
	Assert(depth > 0);
	return started_at;
}

void
usom_call_at_end(UsomCallEnd callback)
{
	Ensure(end_callback_count < MAX_CALLBACKS, "too many callbacks at the end of calls");
	end_callbacks[end_callback_count++] = callback;
}

void
usom_call_at_abort(UsomForget callback)
{
	Ensure(abort_callback_count < MAX_CALLBACKS, "too many callbacks at abort");
	abort_callbacks[abort_callback_count++] = callback;
}

static void
forget(void)
{
	for (int i = 0; i < abort_callback_count; i++)
		abort_callbacks[i] ();
}

/* install() may be what is rolled back, so the check is made again. */
static void
at_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PARALLEL_ABORT)
		return;
	depth = 0;
	installed = 0;
	forget();
}

static void
at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	level = GetCurrentTransactionNestLevel();
	while (depth > 0 && calls[depth - 1].level >= level)
		depth--;
	/* Without a number of its own it has written nothing: all that was looked up still holds. */
	if (!TransactionIdIsValid(GetCurrentTransactionIdIfAny()))
		return;
	installed = 0;
	forget();
}

/* DROP EXTENSION and another CREATE change the schema's row: what was found then is not true now. */
static void
at_schema_change(Datum arg, int cacheid, uint32 hash)
{
	installed = 0;
}

void
usom_call_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, at_schema_change, (Datum) 0);
	RegisterXactCallback(at_transaction, NULL);
	RegisterSubXactCallback(at_subtransaction, NULL);
}

/* usom._check_installed(): US001 or US002 unless the tables are there and fit. */
Datum
usom__check_installed(PG_FUNCTION_ARGS)
{
	usom_call_check_installed();
	PG_RETURN_VOID();
}

/* usom._statement_count(): statements usom has run in this backend. */
Datum
usom__statement_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) usom_query_count());
}
