/*
 * card_log.c
 *		Card numbers in what the server logs: masked.
 *
 *		usom does not repeat a card number, but PostgreSQL logs statements
 *		itself: with the errors of others, when they are slow, or all of them.
 *		From the moment the library is loaded, every message of the session is
 *		searched before it is written: digits of card numbers become stars, a
 *		statement that holds one is left out.
 *
 * Memory: messages are changed in place.  Runs while an error is reported, so
 * it reads no catalog, allocates nothing and raises nothing.
 */
#include "postgres.h"

#include "base/card.h"
#include "base/card_guard.h"

#include "tcop/tcopprot.h"
#include "utils/elog.h"

static emit_log_hook_type next_log_hook = NULL;

void
usom_card_mask(char *string)
{
	UsomCardSpan span = {0, 0};
	Size		size;

	if (string == NULL)
		return;
	size = strlen(string);
	while (usom_card_find(string, size, span.end, &span))
		for (Size i = span.start; i < span.end; i++)
			if (string[i] >= '0' && string[i] <= '9')
				string[i] = '*';
}

static void
mask_message(ErrorData *error)
{
	usom_card_mask(error->message);
	usom_card_mask(error->detail);
	usom_card_mask(error->detail_log);
	usom_card_mask(error->hint);
	usom_card_mask(error->context);
	usom_card_mask(error->internalquery);
	if (!error->hide_stmt && debug_query_string != NULL && usom_card_is_in(debug_query_string))
		error->hide_stmt = true;
	if (next_log_hook != NULL)
		next_log_hook(error);
}

void
usom_card_init(void)
{
	next_log_hook = emit_log_hook;
	emit_log_hook = mask_message;
}
