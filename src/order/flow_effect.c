/*
 * flow_effect.c
 *		What a step of a flow does besides: holds, events, exceptions.
 *
 * Holds of all orders of a save are placed by one statement and ended by one;
 * what guards have found is told first, then the effects of the step.
 *
 * Memory: CurrentMemoryContext, in which the save runs; the lists begin empty with each of
 * them.  Locks: the orders, by the caller.
 */
#include "postgres.h"

#include "order/flow.h"

#include "base/call.h"
#include "base/payload.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "order/news.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $2, released_by = session_user, release_reason = r.reason "
	"FROM unnest($3, $4, $5) AS r (sales_order_id, hold_type, reason) "
	"WHERE h.org_id = $1 AND h.sales_order_id = r.sales_order_id AND h.hold_type = r.hold_type "
	"AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $2)",
	.nargs = 5,
	.argtypes = {"bigint", "timestamptz", "bigint[]", "text[]", "text[]"},
};

static const char *
step_words(const UsomFlow *flow, const UsomFlowStep *step)
{
	return psprintf("flow \"%s\" went from \"%s\" to \"%s\"", flow->code, flow->states[step->from].name, flow->states[step->to].name);
}

static Jsonb *
step_payload(const UsomFlow *flow, const UsomFlowStep *step, const UsomOrder *order, const char *guard)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "flow", flow->code);
	usom_payload_text(&payload, "from", flow->states[step->from].name);
	if (guard != NULL)
		usom_payload_text(&payload, "guard", guard);
	usom_payload_text(&payload, "status", usom_order_lifecycle_table.labels[order->status]);
	usom_payload_text(&payload, "to", flow->states[step->to].name);
	usom_payload_integer(&payload, "version", flow->version);
	return usom_payload_end(&payload);
}

static void
place_hold(UsomOrderSet *set, int order, const UsomFlow *flow, const char *type, const char *reason)
{
	UsomRaisedHold hold = {
		.code = psprintf("flow:%s", flow->code), .hold_type = pstrdup(type), .reason = pstrdup(reason), .until = USOM_NO_TIME
	};

	set->flow_holds = usom_order_add_hold(set->flow_holds, set->orders[order].sales_order_id, 0, &hold);
}

static void
release_hold(UsomOrderSet *set, int order, const char *type, const char *reason)
{
	UsomFlowRelease *release = palloc_object(UsomFlowRelease);

	*release = (UsomFlowRelease) {set->orders[order].sales_order_id, pstrdup(type), pstrdup(reason)};
	set->flow_releases = lappend(set->flow_releases, release);
}

static void
raise_case(UsomOrderSet *set, int order, const UsomFlow *flow, const UsomFlowStep *step, const char *kind, const char *message,
		   const char *guard)
{
	usom_order_raise(set, order, 0, pstrdup(kind), pstrdup(flow->states[step->to].name), pstrdup(message),
					 step_payload(flow, step, &set->orders[order], guard), USOM_NO_TIME);
}

static void
follow_guard(UsomOrderSet *set, int order, const UsomFlow *flow, const UsomFlowStep *step, const UsomFlowGuard *guard)
{
	if (guard->severity == USOM_FLOW_HOLD)
		place_hold(set, order, flow, guard->hold_type, guard->message);
	else
		raise_case(set, order, flow, step, "flow_warning", guard->message, guard->name);
}

void
usom_flow_take_effect(UsomOrderSet *set, int order, const UsomFlow *flow, const UsomFlowStep *step, const List *failed)
{
	for (int i = 0; i < list_length(failed); i++)
		follow_guard(set, order, flow, step, list_nth(failed, i));
	for (int i = 0; i < step->neffects; i++)
	{
		const UsomFlowEffect *effect = &step->effects[i];
		const char *words = effect->message ? effect->message : step_words(flow, step);

		switch (effect->kind)
		{
			case USOM_FLOW_PLACES_HOLD:
				place_hold(set, order, flow, effect->argument, words);
				break;
			case USOM_FLOW_RELEASES_HOLD:
				release_hold(set, order, effect->argument, words);
				break;
			case USOM_FLOW_TELLS:
				usom_order_tell(set, order, pstrdup(effect->argument), step_payload(flow, step, &set->orders[order], NULL));
				break;
			case USOM_FLOW_RAISES:
				raise_case(set, order, flow, step, effect->argument, words, NULL);
				break;
		}
	}
}

static void
write_releases(const UsomOrderSet *set)
{
	int			count = list_length(set->flow_releases);
	Datum	   *columns[3];
	Datum		values[5] = {Int64GetDatum(set->org_id), TimestampTzGetDatum(usom_call_time())};

	for (int i = 0; i < 3; i++)
		columns[i] = palloc_array(Datum, count);
	for (int i = 0; i < count; i++)
	{
		const UsomFlowRelease *release = list_nth(set->flow_releases, i);

		columns[0][i] = Int64GetDatum(release->sales_order_id);
		columns[1][i] = CStringGetTextDatum(release->hold_type);
		columns[2][i] = CStringGetTextDatum(release->reason);
	}
	values[2] = PointerGetDatum(construct_array_builtin(columns[0], count, INT8OID));
	values[3] = PointerGetDatum(construct_array_builtin(columns[1], count, TEXTOID));
	values[4] = PointerGetDatum(construct_array_builtin(columns[2], count, TEXTOID));
	usom_query_write(&end_holds, values, NULL);
}

/* Ended before placed: a step that renews a hold of the type leaves it standing. */
void
usom_flow_write_effects(UsomOrderSet *set)
{
	if (set->flow_releases != NIL)
		write_releases(set);
	usom_order_write_holds(set->org_id, set->flow_holds);
	set->flow_releases = NIL;
	set->flow_holds = NULL;
}
