/*
 * backorder.c
 *		What waits, cut into dated parts.
 *
 * Pure: no SPI, no locks, no clock.  Memory: CurrentMemoryContext.
 *
 * Invariant: the parts sum to what was cut.
 */
#include "postgres.h"

#include "sourcing/backorder.h"

#include "base/errors.h"

static int
compare_parts(const void *a, const void *b)
{
	TimestampTz left = ((const UsomDatedPart *) a)->due_at;
	TimestampTz right = ((const UsomDatedPart *) b)->due_at;

	return left < right ? -1 : left > right;
}

UsomDatedPart *
usom_sourcing_cut_by_schedule(UsomQuantity units, const UsomDatedPart *schedule, int nschedule, int *nparts)
{
	UsomDatedPart *parts = palloc_array(UsomDatedPart, nschedule + 1);
	UsomQuantity left = units;
	int			count = 0;

	memcpy(parts, schedule, sizeof(UsomDatedPart) * nschedule);
	qsort(parts, nschedule, sizeof(UsomDatedPart), compare_parts);
	for (int i = 0; i < nschedule; i++)
	{
		if (parts[i].quantity > left)
			return NULL;
		left -= parts[i].quantity;
		if (count > 0 && parts[count - 1].due_at == parts[i].due_at)
			parts[count - 1].quantity += parts[i].quantity;
		else
			parts[count++] = parts[i];
	}
	if (left > 0)
		parts[count++] = (UsomDatedPart) {left, PG_INT64_MIN};
	*nparts = count;
	return parts;
}

int64
usom_sourcing_count_parts(UsomQuantity units, UsomQuantity rate)
{
	return units / rate + (units % rate > 0);
}

UsomDatedPart *
usom_sourcing_cut_by_rate(UsomQuantity units, UsomQuantity rate, const TimestampTz *dates, int ndates)
{
	UsomDatedPart *parts = palloc_array(UsomDatedPart, Max(ndates, 1));

	Ensure(usom_sourcing_count_parts(units, rate) == ndates, "a part needs a date");
	for (int i = 0; i < ndates; i++)
		parts[i] = (UsomDatedPart) {i == ndates - 1 ? units - (ndates - 1) * rate : rate, dates[i]};
	return parts;
}
