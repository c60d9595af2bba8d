/*
 * pick_claim.h
 *		What a picker asks for, and what he gets: shared by pick_claim.c, which
 *		claims by one statement, and pick_claim_rows.c, which does it past the
 *		executor.
 */
#ifndef USOM_FULFILLMENT_PICK_CLAIM_H
#define USOM_FULFILLMENT_PICK_CLAIM_H

#include "base/quantity.h"
#include "datatype/timestamp.h"

typedef struct UsomPickClaim
{
	int64		org_id;
	int64		location_id;
	int64		wave_id;		/* 0: any */
	Datum		picker;
	int32		tasks;
	TimestampTz until;
} UsomPickClaim;

/* A task that was claimed, or turned out to be void and has ended. */
typedef struct UsomPickClaimed
{
	bool		live;
	int64		pick_task_id;
	bool		untimed;		/* leaves at no set time, last */
	TimestampTz leaves_at;
	int64		wave_id;
	int32		sequence;
	int64		order_id;
	int32		line_no;
	int32		piece_no;
	int64		product_id;
	int64		bin_id;			/* 0: none */
	UsomQuantity quantity;		/* left of the task; then what there is to pick */
	bool		began;			/* something is picked */

	/* Of what is live, texts; 0: null. */
	Datum		wave_no;
	Datum		zone;
	Datum		bin;
	Datum		sku;
	Datum		name;
	Datum		lot;
	Datum		order_no;
} UsomPickClaimed;

/*
 * So many tasks of any wave at most, locked, read and written, in sequence.
 * False: nothing was written, and the statement has to run; rows that were
 * locked are ones that it would lock.
 */
extern bool usom_pick_claim_rows(const UsomPickClaim *wanted, UsomPickClaimed **claimed, int *nclaimed);

#endif							/* USOM_FULFILLMENT_PICK_CLAIM_H */
