/*
 * decide.c
 *		Returns that somebody decides about: approve, refuse, cancel.
 *
 * Locks: the order.  Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/errors.h"
#include "base/payload.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"

PG_FUNCTION_INFO_V1(usom_approve_return);
PG_FUNCTION_INFO_V1(usom_refuse_return);
PG_FUNCTION_INFO_V1(usom_cancel_return);

void
usom_return_refuse(const UsomReturn *back, const char *verb, const char *hint)
{
	ereport(ERROR, errcode(USOM_ERR(RETURN_STEP)),
			errmsg("cannot %s return \"%s\"", verb, back->return_no),
			errdetail("It is %s.", usom_return_lifecycle_table.labels[back->status]),
			errhint("%s", hint));
}

void
usom_return_tell(UsomReturn *back, const char *kind)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "return_no", back->return_no);
	usom_payload_text(&payload, "reason", back->reason);
	usom_order_tell(back->set, 0, kind, usom_payload_end(&payload));
}

static Datum
answer_statuses(UsomAnswer *answer, const UsomReturn *back)
{
	bool		nulls[2] = {false, false};
	Datum		values[2];

	usom_return_statuses(back, values);
	return usom_order_answer_row(answer, values, nulls);
}

static UsomReturn *
load(FunctionCallInfo fcinfo)
{
	return usom_return_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "return_no"));
}

/* Nothing more comes. */
static bool
give_up(UsomReturn *back)
{
	bool		any = false;

	for (int i = 0; i < back->nlines; i++)
	{
		UsomReturnLine *line = &back->lines[i];

		if (usom_return_due(line) == 0)
			continue;
		line->given_up += usom_return_due(line);
		line->changed = any = true;
	}
	return any;
}

Datum
usom_approve_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "approve_return", 1);
	UsomReturn *back = load(fcinfo);

	if (back->status == USOM_RETURN_REQUESTED)
	{
		back->expires_at = usom_return_expiry(back);
		usom_return_write_status(back, USOM_RETURN_AUTHORIZED);
		usom_return_tell(back, "return_approved");
		usom_return_save(back, "approve_return", 0);
	}
	else if (back->status != USOM_RETURN_AUTHORIZED)
		usom_return_refuse(back, "approve", "Only what is requested is decided about.");
	return answer_statuses(answer, back);
}

Datum
usom_refuse_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "refuse_return", 1);
	UsomReturn *back = load(fcinfo);

	if (back->status == USOM_RETURN_REQUESTED)
	{
		give_up(back);
		usom_return_write_status(back, USOM_RETURN_REFUSED);
		usom_return_write(back);
		usom_return_tell(back, "return_refused");
		usom_return_save(back, "refuse_return", 0);
	}
	else if (back->status != USOM_RETURN_REFUSED)
		usom_return_refuse(back, "refuse", "usom.cancel_return() ends one that leave was given to.");
	return answer_statuses(answer, back);
}

Datum
usom_cancel_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "cancel_return", 1);
	UsomReturn *back = load(fcinfo);

	if (give_up(back))
	{
		usom_return_write(back);
		usom_return_save(back, "cancel_return", 0);
	}
	return answer_statuses(answer, back);
}
