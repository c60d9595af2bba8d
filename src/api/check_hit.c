/*
 * check_hit.c
 *		How often rules of checks find something: a row for each finding.
 *
 * Locks: none; rows are added only, so that no rule becomes a queue.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/finding.h"

#include "base/query.h"
#include "utils/builtins.h"

static UsomQuery insert_hits = {
	.text = "INSERT INTO usom.check_hit (org_id, check_rule_id, rule_version, check_code, severity, sales_order_id, external_id, "
	"path, overridden, reason) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._found_hit[]"},
};

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string != NULL ? CStringGetTextDatum(string) : (Datum) 0;
}

static void
add_hit(UsomRows *rows, const UsomChecking *checking, const UsomFinding *finding, bool is_refused)
{
	bool		nulls[9] = {false};
	Datum		values[9] = {
		Int64GetDatum(finding->check_rule_id),
		Int32GetDatum(finding->rule_version),
		CStringGetTextDatum(finding->code),
		CStringGetTextDatum(is_refused ? "refuse" : finding->severity == USOM_HOLD ? "hold" : "warn"),
		Int64GetDatum(is_refused ? 0 : checking->set->orders[checking->order].sales_order_id),
		text_or_null(is_refused && checking->document ? checking->document->external_id : NULL, &nulls[5]),
		text_or_null(finding->path, &nulls[6]),
		BoolGetDatum(finding->overridden),
		text_or_null(finding->override_reason, &nulls[8]),
	};

	nulls[4] = is_refused;
	usom_rows_add(rows, values, nulls);
}

void
usom_api_write_hits(UsomChecking *const *checkings, int count, bool refused)
{
	UsomRows   *rows = NULL;
	Datum		values[2];

	for (int i = 0; i < count; i++)
		for (int j = 0; !checkings[i]->is_quote && j < list_length(checkings[i]->findings); j++)
		{
			const UsomFinding *finding = list_nth(checkings[i]->findings, j);

			if (finding->check_rule_id == 0 || (finding->severity == USOM_REFUSE) != refused)
				continue;
			if (rows == NULL)
				rows = usom_rows_make("_found_hit", count);
			add_hit(rows, checkings[i], finding, refused);
		}
	if (rows == NULL)
		return;
	values[0] = Int64GetDatum(checkings[0]->set->org_id);
	values[1] = usom_rows_datum(rows);
	usom_query_write(&insert_hits, values, NULL);
}
