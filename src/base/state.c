/*
 * state.c
 *		The lifecycle machine: what lifecycle.def files mean.
 *
 *		A life cycle is one constant table, registered when the library is
 *		loaded; nothing here reads a catalog, takes a lock or keeps memory.
 *		Invariant: a datum of a state type is a state number below nstates;
 *		in and recv let nothing else in, out and send complain of the rest.
 */
#include "postgres.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/errors.h"
#include "base/state.h"

#define MAX_LIFECYCLES 16

static const UsomLifecycle *lifecycles[MAX_LIFECYCLES];
static int	lifecycle_count = 0;

void
usom_lifecycle_register(const UsomLifecycle *lifecycle)
{
	Ensure(lifecycle_count < MAX_LIFECYCLES, "too many life cycles");
	lifecycles[lifecycle_count++] = lifecycle;
}

const UsomLifecycle *
usom_lifecycle_of_entity(const char *entity)
{
	StringInfoData known;

	usom_card_check_string("argument entity", entity);
	initStringInfo(&known);
	for (int i = 0; i < lifecycle_count; i++)
	{
		if (strcmp(lifecycles[i]->entity, entity) == 0)
			return lifecycles[i];
		appendStringInfo(&known, "%s%s", i > 0 ? ", " : "", lifecycles[i]->entity);
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("\"%s\" has no life cycle", entity),
			errhint("Life cycles: %s.", known.data));
}

/* The edge between two states, or NULL. */
static const UsomEdge *
find_edge(const UsomLifecycle *lifecycle, uint8 from, uint8 to)
{
	for (int i = 0; i < lifecycle->nedges; i++)
	{
		if (lifecycle->edges[i].from == from && lifecycle->edges[i].to == to)
			return &lifecycle->edges[i];
	}
	return NULL;
}

bool
usom_lifecycle_allows(const UsomLifecycle *lifecycle, uint8 from, uint8 to)
{
	return find_edge(lifecycle, from, to) != NULL;
}

bool
usom_lifecycle_commands(const UsomLifecycle *lifecycle, uint8 from, uint8 to)
{
	const UsomEdge *edge = find_edge(lifecycle, from, to);

	return edge != NULL && edge->commanded;
}

char *
usom_lifecycle_next_steps(const UsomLifecycle *lifecycle, uint8 from)
{
	StringInfoData steps;

	initStringInfo(&steps);
	for (int i = 0; i < lifecycle->nedges; i++)
	{
		const UsomEdge *edge = &lifecycle->edges[i];

		if (edge->from == from)
			appendStringInfo(&steps, "%s%s (%s)", steps.len > 0 ? ", " : "",
							 edge->verb, lifecycle->labels[edge->to]);
	}
	if (steps.len == 0)
		appendStringInfo(&steps, "none: %s is final", lifecycle->labels[from]);
	return steps.data;
}

/* State number of a label, or -1. */
static int
find_label(const UsomLifecycle *lifecycle, const char *label)
{
	for (int i = 0; i < lifecycle->nstates; i++)
	{
		if (strcmp(lifecycle->labels[i], label) == 0)
			return i;
	}
	return -1;
}

static char *
list_labels(const UsomLifecycle *lifecycle)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lifecycle->nstates; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", lifecycle->labels[i]);
	return list.data;
}

/* errcode, errmsg and errhint of an unknown label, for ereport and for soft errors. */
#define UNKNOWN_LABEL(lifecycle, label) \
	(usom_card_check_string((lifecycle)->type_name, (label)), \
	 errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), \
	 errmsg("invalid %s: \"%s\"", (lifecycle)->type_name, (label)), \
	 errhint("One of: %s.", list_labels(lifecycle)))

uint8
usom_state_of_label(const UsomLifecycle *lifecycle, const char *label)
{
	int			state = find_label(lifecycle, label);

	if (state < 0)
		ereport(ERROR, UNKNOWN_LABEL(lifecycle, label));
	return (uint8) state;
}

/* The label of a datum. */
static const char *
label_of(const UsomLifecycle *lifecycle, uint8 state)
{
	if (state >= lifecycle->nstates)
		ereport(ERROR,
				errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("%s has no state number %d", lifecycle->type_name, state),
				errhint("The value was written by a newer version of the library, or is damaged."));
	return lifecycle->labels[state];
}

Datum
usom_state_in(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo)
{
	const char *label = PG_GETARG_CSTRING(0);
	int			state = find_label(lifecycle, label);

	if (state < 0)
		usom_ereturn(fcinfo->context, (Datum) 0, UNKNOWN_LABEL(lifecycle, label));
	PG_RETURN_CHAR((char) state);
}

Datum
usom_state_out(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo)
{
	PG_RETURN_CSTRING(pstrdup(label_of(lifecycle, (uint8) PG_GETARG_CHAR(0))));
}

Datum
usom_state_recv(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length;
	char	   *label = pq_getmsgtext(message, message->len - message->cursor, &length);

	PG_RETURN_CHAR((char) usom_state_of_label(lifecycle, label));
}

Datum
usom_state_send(const UsomLifecycle *lifecycle, FunctionCallInfo fcinfo)
{
	const char *label = label_of(lifecycle, (uint8) PG_GETARG_CHAR(0));
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendtext(&message, label, (int) strlen(label));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* The later of two states; one function for all types, as they are all one byte. */
PG_FUNCTION_INFO_V1(usom_state_larger);
Datum
usom_state_larger(PG_FUNCTION_ARGS)
{
	uint8		a = (uint8) PG_GETARG_CHAR(0);
	uint8		b = (uint8) PG_GETARG_CHAR(1);

	PG_RETURN_CHAR((char) Max(a, b));
}

PG_FUNCTION_INFO_V1(usom_state_smaller);
Datum
usom_state_smaller(PG_FUNCTION_ARGS)
{
	uint8		a = (uint8) PG_GETARG_CHAR(0);
	uint8		b = (uint8) PG_GETARG_CHAR(1);

	PG_RETURN_CHAR((char) Min(a, b));
}
