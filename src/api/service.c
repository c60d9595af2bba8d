/*
 * service.c
 *		usom.book_appointment(), move_appointment(), cancel_appointment(),
 *		fail_appointment(), block_technician(): when somebody comes to work.
 *
 * An appointment is booked with its parts: whatever of the order waits is
 * planned in the same call, and if something will not be there in time,
 * neither is the technician booked.
 *
 * Locks: the order, then stock rows, supply, then rows of appointments.
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/service.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define FAILED_CASE "appointment_failed"

PG_FUNCTION_INFO_V1(usom_book_appointment);
PG_FUNCTION_INFO_V1(usom_move_appointment);
PG_FUNCTION_INFO_V1(usom_cancel_appointment);
PG_FUNCTION_INFO_V1(usom_fail_appointment);
PG_FUNCTION_INFO_V1(usom_block_technician);

static UsomQuery find_technician = {
	.text = "SELECT usom.technician_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

/* Code of a technician, who must exist; NULL: anybody. */
static const char *
technician_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		code;

	if (PG_ARGISNULL(arg))
		return NULL;
	code = PG_GETARG_DATUM(arg);
	usom_query_run(&find_technician, &code, NULL);
	return text_to_cstring(DatumGetTextPP(code));
}

static TimestampTz
moment_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	usom_order_arg_required(fcinfo, arg, name);
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(arg)))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must be a moment", name),
				errhint("Name a date and a time."));
	return PG_GETARG_TIMESTAMPTZ(arg);
}

/* ---- the order ---- */

UsomQuantity
usom_api_units_to_do(const UsomLine *line)
{
	UsomQuantity units = 0;

	for (int state = USOM_PIECE_OPEN; state <= USOM_PIECE_PACKED; state++)
		units += line->counters.by_state[state];
	return units;
}

static void
check_service(UsomOrderSet *set, int index)
{
	const UsomOrder *order = &set->orders[0];
	const UsomLine *line = &set->lines[index];

	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "book an appointment for", order->status);
	if (order->order_type != USOM_TYPE_SERVICE || line->stocked || usom_line_is_kit(line) || usom_api_units_to_do(line) == 0)
		ereport(ERROR, errcode(USOM_ERR(NOT_SERVICE_WORK)),
				errmsg("line %d of order \"%s\" is no service to be done", line->line_no, order->order_no),
				errdetail("The order is of type %s, the line has %s units to be done and is %s.", usom_order_type_name(order->order_type),
						  usom_quantity_text(usom_api_units_to_do(line)), line->stocked ? "for goods" : "for a service"),
				errhint("Name a line with a service that is not done yet, of an order of type service."));
	usom_order_check_holds(set, 0, "release");
}

/* A unit that waits, and is not promised for before the work begins. */
static bool
comes_late(const UsomOrderSet *set, const UsomPiece *piece, TimestampTz starts_at)
{
	return piece->quantity > 0 && piece->status == USOM_PIECE_BACKORDERED && set->lines[piece->line].stocked &&
		(piece->promised_at == USOM_NO_TIME || piece->promised_at > starts_at);
}

static const char *
moment_text(TimestampTz moment)
{
	return moment == USOM_NO_TIME ? "no date" : pstrdup(timestamptz_to_str(moment));
}

static void
check_parts(const UsomOrderSet *set, TimestampTz starts_at)
{
	for (int i = 0; i < set->npieces; i++)
		if (comes_late(set, &set->pieces[i], starts_at))
			ereport(ERROR, errcode(USOM_ERR(PARTS_MISSING)),
					errmsg("the parts of order \"%s\" are not all there at %s", set->orders[0].order_no, moment_text(starts_at)),
					errdetail("%s units of line %d wait, promised for %s.", usom_quantity_text(set->pieces[i].quantity),
							  set->lines[set->pieces[i].line].line_no, moment_text(set->pieces[i].promised_at)),
					errhint("Take a later time, or receive the parts first."));
}

/* What waits gets stock, or a promise, as if it had been asked for by hand. */
static void
reserve_parts(UsomOrderSet *set, TimestampTz starts_at)
{
	UsomWait   *before = usom_api_look_at_waits(set);

	set->by_hand = true;
	usom_api_fill(set, 0);
	usom_api_tell_waits(set, before);
	check_parts(set, starts_at);
}

static void
tell(UsomOrderSet *set, const UsomAppointment *appointment, const char *event, const char *kind)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "appointment_no", appointment->appointment_no);
	usom_payload_integer(&payload, "line_no", appointment->line_no);
	usom_payload_time(&payload, "starts_at", appointment->starts_at);
	usom_payload_time(&payload, "ends_at", appointment->ends_at);
	usom_order_tell(set, 0, kind, usom_payload_end(&payload));
	set->orders[0].event_line = appointment->line_no;
	set->orders[0].event_reference = appointment->appointment_no;
	usom_order_settle(set, 0, event);
	usom_order_save(set);
}

/* ---- book, move ---- */

static Datum
answer_booked(UsomAnswer *answer, const UsomAppointment *appointment)
{
	bool		nulls[4] = {false};
	Datum		values[4] = {
		CStringGetTextDatum(appointment->appointment_no), CStringGetTextDatum(appointment->technician),
		TimestampTzGetDatum(appointment->starts_at), TimestampTzGetDatum(appointment->ends_at)
	};

	return usom_order_answer_row(answer, values, nulls);
}

static void
book(UsomOrderSet *set, int line, const char *technician, UsomAppointment *appointment)
{
	appointment->order_no = set->orders[0].order_no;
	appointment->line_no = set->lines[line].line_no;
	usom_service_book(set->org_id, set->orders[0].sales_order_id, set->lines[line].product_id, technician, appointment);
	usom_order_settle_case(set, 0, appointment->line_no, FAILED_CASE);
}

/* usom.book_appointment(order_no, line_no, starts_at, technician, minutes) */
Datum
usom_book_appointment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "book_appointment", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomAppointment appointment = {.starts_at = moment_argument(fcinfo, 2, "starts_at")};
	const char *technician = technician_argument(fcinfo, 3);
	int			minutes;
	int			line;

	usom_order_arg_required(fcinfo, 1, "line_no");
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	check_service(set, line);
	minutes = PG_ARGISNULL(4) ? usom_service_minutes(set->org_id, set->lines[line].product_id) : PG_GETARG_INT32(4);
	usom_service_check_minutes(minutes);
	appointment.ends_at = appointment.starts_at + minutes * USECS_PER_MINUTE;
	reserve_parts(set, appointment.starts_at);
	book(set, line, technician, &appointment);
	tell(set, &appointment, "book_appointment", "appointment_booked");
	return answer_booked(answer, &appointment);
}

void
usom_api_refuse_absence(const UsomAppointment *appointment, const char *verb)
{
	ereport(ERROR, errcode(USOM_ERR(APPOINTMENT_ENDED)),
			errmsg("cannot %s \"%s\", which is no appointment of an order", verb, appointment->appointment_no),
			errdetail("Technician \"%s\" is away then.", appointment->technician),
			errhint("usom.cancel_appointment() ends an absence, usom.block_technician() begins another one."));
}

UsomOrderSet *
usom_api_load_appointment(UsomAppointment *appointment, int64 org_id, const char *appointment_no)
{
	UsomOrderSet *set;

	*appointment = usom_service_find(org_id, appointment_no);
	if (appointment->order_no == NULL)
		return NULL;
	set = usom_order_load(org_id, appointment->order_no);
	*appointment = usom_service_find(org_id, appointment_no);
	return set;
}

/* usom.move_appointment(appointment_no, starts_at, technician, reason) */
Datum
usom_move_appointment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "move_appointment", 3);
	int64		org_id = usom_party_org();
	const char *technician = technician_argument(fcinfo, 2);
	UsomAppointment old;
	UsomAppointment new = {.starts_at = moment_argument(fcinfo, 1, "starts_at")};
	UsomOrderSet *set = usom_api_load_appointment(&old, org_id, usom_order_arg_text(fcinfo, 0, "appointment_no"));
	int			line;

	if (set == NULL)
		usom_api_refuse_absence(&old, "move");
	usom_service_end(org_id, &old, "moved", usom_call_reason());
	line = usom_order_find_line(set, 0, old.line_no);
	check_service(set, line);
	new.ends_at = new.starts_at + (old.ends_at - old.starts_at);
	new.moved_from = old.appointment_id;
	reserve_parts(set, new.starts_at);
	book(set, line, technician ? technician : old.technician, &new);
	tell(set, &new, "move_appointment", "appointment_moved");
	return answer_booked(answer, &new);
}

/* ---- cancel, fail ---- */

static Datum
end(FunctionCallInfo fcinfo, const char *verb, const char *status, const char *kind)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, verb, 1);
	int64		org_id = usom_party_org();
	UsomAppointment appointment;
	UsomOrderSet *set = usom_api_load_appointment(&appointment, org_id, usom_order_arg_text(fcinfo, 0, "appointment_no"));
	bool		failed = strcmp(status, "failed") == 0;

	if (strcmp(appointment.status, status) == 0)
		return usom_order_answer_string(answer, status);
	if (set == NULL && failed)
		usom_api_refuse_absence(&appointment, "fail");
	usom_service_end(org_id, &appointment, status, usom_call_reason());
	if (set != NULL)
	{
		if (failed)
			usom_order_raise(set, 0, appointment.line_no, FAILED_CASE, appointment.appointment_no,
							 psprintf("the work of line %d could not be done", appointment.line_no), NULL, USOM_NO_TIME);
		tell(set, &appointment, verb, kind);
	}
	return usom_order_answer_string(answer, status);
}

/* usom.cancel_appointment(appointment_no, reason) */
Datum
usom_cancel_appointment(PG_FUNCTION_ARGS)
{
	return end(fcinfo, "cancel_appointment", "cancelled", "appointment_cancelled");
}

/* usom.fail_appointment(appointment_no, reason) */
Datum
usom_fail_appointment(PG_FUNCTION_ARGS)
{
	return end(fcinfo, "fail_appointment", "failed", "appointment_failed");
}

/* usom.block_technician(technician, starts_at, ends_at, reason) */
Datum
usom_block_technician(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "block_technician", 3);
	const char *technician;
	UsomAppointment absence = {
		.starts_at = moment_argument(fcinfo, 1, "starts_at"),
		.ends_at = moment_argument(fcinfo, 2, "ends_at"),
		.reason = usom_call_reason(),
	};

	usom_order_arg_required(fcinfo, 0, "technician");
	technician = technician_argument(fcinfo, 0);
	if (absence.ends_at <= absence.starts_at)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("an absence ends after it begins"),
				errdetail("It would be from %s to %s.", pstrdup(timestamptz_to_str(absence.starts_at)), timestamptz_to_str(absence.ends_at)),
				errhint("Give a later ends_at."));
	usom_service_book(usom_party_org(), 0, 0, technician, &absence);
	return usom_order_answer_string(answer, absence.appointment_no);
}
