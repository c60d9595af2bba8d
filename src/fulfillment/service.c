/*
 * service.c
 *		Rows of usom.appointment, and usom.technician_id().
 *
 * A booking is one INSERT that gives way: where another appointment has the
 * time or the line, it writes nothing, and waits for one that is being written.
 * So of two who book the same technician one is told that she is busy, and
 * nobody meets a bare exclusion error.
 *
 * Locks: the order of the appointment, which the caller has; the rows
 * themselves last.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "fulfillment/service.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/lookup.h"
#include "base/query.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define USUAL_MINUTES 60
#define MOST_MINUTES 1440

PG_FUNCTION_INFO_V1(usom_technician_id);

static UsomQuery find_appointment = {
	.text = "SELECT a.appointment_id, o.order_no, a.line_no, a.technician_id, t.code, lower(a.during), upper(a.during), a.status, a.reason "
	"FROM usom.appointment AS a JOIN usom.technician AS t ON t.org_id = $1 AND t.technician_id = a.technician_id "
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = a.sales_order_id "
	"WHERE a.org_id = $1 AND a.appointment_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery read_minutes = {
	.text = "SELECT w.minutes FROM usom.service_work AS w WHERE w.org_id = $1 AND w.product_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery find_technicians = {
	.text = "SELECT t.technician_id, t.technician, t.obstacle, t.detail FROM usom._technicians_for($1, $2, $3, $4) AS t "
	"WHERE $5 IS NULL OR t.technician = $5 ORDER BY t.obstacle IS NOT NULL, t.obstacle IS DISTINCT FROM 'busy', t.technician COLLATE \"C\"",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "timestamptz", "timestamptz", "text"},
};

static UsomQuery insert_appointment = {
	.text = "INSERT INTO usom.appointment (org_id, appointment_no, sales_order_id, line_no, technician_id, during, status, reason, moved_from) "
	"VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), 'booked', $8, $9) ON CONFLICT DO NOTHING",
	.nargs = 9,
	.argtypes = {"bigint", "text", "bigint", "integer", "bigint", "timestamptz", "timestamptz", "text", "bigint"},
};

static UsomQuery find_of_line = {
	.text = "SELECT a.appointment_no FROM usom.appointment AS a "
	"WHERE a.org_id = $1 AND a.sales_order_id = $2 AND a.line_no = $3 AND a.status = 'booked'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

static UsomQuery end_appointment = {
	.text = "UPDATE usom.appointment AS a SET status = $3, reason = coalesce($4, a.reason), ended_at = $5 "
	"WHERE a.org_id = $1 AND a.appointment_id = $2 AND a.status = 'booked'",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "timestamptz"},
};

Datum
usom_technician_id(PG_FUNCTION_ARGS)
{
	static UsomFetch fetch = {
		.table = "technician", .index = "technician_code_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
		.ncolumns = 1, .columns = {{"technician_id", "bigint"}},
		.query = {.text = "SELECT t.technician_id FROM usom.technician AS t WHERE t.org_id = $1 AND t.code = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};

	PG_RETURN_INT64(usom_lookup_id(&fetch, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "technician", "code"));
}

UsomAppointment
usom_service_find(int64 org_id, const char *appointment_no)
{
	UsomAppointment found = {.appointment_no = appointment_no};
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(appointment_no)};
	bool		isnull;

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_appointment, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_APPOINTMENT)),
				errmsg("no appointment \"%s\"", appointment_no),
				errhint("Look it up in usom.appointments."));
	found.appointment_id = DatumGetInt64(usom_query_get(0, 1));
	found.order_no = usom_query_get_text(0, 2);
	found.line_no = DatumGetInt32(usom_query_get_or_null(0, 3, &isnull));
	found.technician_id = DatumGetInt64(usom_query_get(0, 4));
	found.technician = usom_query_get_text(0, 5);
	found.starts_at = DatumGetTimestampTz(usom_query_get(0, 6));
	found.ends_at = DatumGetTimestampTz(usom_query_get(0, 7));
	found.status = usom_query_get_text(0, 8);
	found.reason = usom_query_get_text(0, 9);
	return found;
}

int
usom_service_minutes(int64 org_id, int64 product_id)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(product_id)};

	return usom_query_run(&read_minutes, values, NULL) == 0 ? USUAL_MINUTES : DatumGetInt32(usom_query_get(0, 1));
}

void
usom_service_check_minutes(int minutes)
{
	if (minutes < 1 || minutes > MOST_MINUTES)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("an appointment has 1 to %d minutes, not %d", MOST_MINUTES, minutes),
				errhint("Leave minutes null for those that the service takes."));
}

/* ---- book ---- */

/* Who could be asked, those who can first. */
typedef struct Candidate
{
	int64		technician_id;
	const char *code;
	const char *obstacle;		/* NULL: none */
	const char *detail;
} Candidate;

static Candidate *
find_candidates(int64 org_id, int64 product_id, const char *technician, const UsomAppointment *wanted, int *count)
{
	bool		nulls[5] = {false, product_id == 0, false, false, technician == NULL};
	Datum		values[5] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), TimestampTzGetDatum(wanted->starts_at),
		TimestampTzGetDatum(wanted->ends_at), technician ? CStringGetTextDatum(technician) : (Datum) 0
	};
	Candidate  *candidates;

	*count = (int) usom_query_run(&find_technicians, values, nulls);
	candidates = palloc_array(Candidate, *count + 1);
	for (int i = 0; i < *count; i++)
		candidates[i] = (Candidate) {
			DatumGetInt64(usom_query_get(i, 1)), usom_query_get_text(i, 2), usom_query_get_text(i, 3), usom_query_get_text(i, 4)
		};
	return candidates;
}

static bool
insert(int64 org_id, int64 sales_order_id, const Candidate *candidate, UsomAppointment *wanted)
{
	bool		nulls[9] = {false};
	Datum		values[9] = {
		Int64GetDatum(org_id), CStringGetTextDatum(wanted->appointment_no), Int64GetDatum(sales_order_id),
		Int32GetDatum(wanted->line_no), Int64GetDatum(candidate->technician_id), TimestampTzGetDatum(wanted->starts_at),
		TimestampTzGetDatum(wanted->ends_at), wanted->reason ? CStringGetTextDatum(wanted->reason) : (Datum) 0,
		Int64GetDatum(wanted->moved_from)
	};

	nulls[2] = nulls[3] = sales_order_id == 0;
	nulls[7] = wanted->reason == NULL;
	nulls[8] = wanted->moved_from == 0;
	if (usom_query_write(&insert_appointment, values, nulls) == 0)
		return false;
	wanted->technician_id = candidate->technician_id;
	wanted->technician = candidate->code;
	return true;
}

static void
check_line_free(int64 org_id, int64 sales_order_id, const UsomAppointment *wanted)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(sales_order_id), Int32GetDatum(wanted->line_no)};

	if (usom_query_run(&find_of_line, values, NULL) > 0)
		ereport(ERROR, errcode(USOM_ERR(BOOKED_ALREADY)),
				errmsg("line %d of order \"%s\" has an appointment", wanted->line_no, wanted->order_no),
				errdetail("It is \"%s\".", usom_query_get_text(0, 1)),
				errhint("usom.move_appointment(%s, ...) changes it.", quote_literal_cstr(usom_query_get_text(0, 1))));
}

/* Nobody can: the first of them says why. */
static void
refuse(const char *technician, const Candidate *first, const UsomAppointment *wanted)
{
	bool		busy = first->obstacle == NULL || strcmp(first->obstacle, "busy") == 0;

	ereport(ERROR, errcode(busy ? USOM_ERR(TECHNICIAN_BUSY) : USOM_ERR(TECHNICIAN_UNFIT)),
			technician ? errmsg("technician \"%s\" cannot come at %s", technician, timestamptz_to_str(wanted->starts_at))
			: errmsg("no technician can come at %s", timestamptz_to_str(wanted->starts_at)),
			errdetail("Technician \"%s\" %s.", first->code, first->obstacle ? first->detail : "was booked meanwhile"),
			errhint("usom.service_slots() shows who can, and when."));
}

void
usom_service_book(int64 org_id, int64 sales_order_id, int64 product_id, const char *technician, UsomAppointment *wanted)
{
	int			count;
	Candidate  *candidates = find_candidates(org_id, product_id, technician, wanted, &count);

	if (sales_order_id != 0)
		check_line_free(org_id, sales_order_id, wanted);
	if (count == 0)
		ereport(ERROR, errcode(USOM_ERR(TECHNICIAN_UNFIT)),
				errmsg("there is no technician%s%s%s", technician ? " \"" : "", technician ? technician : "", technician ? "\"" : ""),
				errhint("INSERT INTO usom.technician (code) VALUES (...) first."));
	wanted->appointment_no = usom_ident_document_no(org_id, "appointment");
	for (int i = 0; i < count && (product_id == 0 || candidates[i].obstacle == NULL); i++)
		if (insert(org_id, sales_order_id, &candidates[i], wanted))
			return;
	refuse(technician, &candidates[0], wanted);
}

void
usom_service_end(int64 org_id, const UsomAppointment *appointment, const char *status, const char *reason)
{
	bool		nulls[5] = {false, false, false, reason == NULL, false};
	Datum		values[5] = {
		Int64GetDatum(org_id), Int64GetDatum(appointment->appointment_id), CStringGetTextDatum(status),
		reason ? CStringGetTextDatum(reason) : (Datum) 0, TimestampTzGetDatum(usom_call_time())
	};

	if (usom_query_write(&end_appointment, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(APPOINTMENT_ENDED)),
				errmsg("appointment \"%s\" does not stand any more", appointment->appointment_no),
				errdetail("It is %s.", strcmp(appointment->status, "booked") == 0 ? "ended meanwhile" : appointment->status),
				errhint("Look at usom.appointments; usom.book_appointment() makes another one."));
}
