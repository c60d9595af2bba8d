/*
 * batch.h
 *		Orders that are planned together over what they share.
 *
 *		First one by one as they stand.  Then an order is planned anew against
 *		what the others leave, and two that compete in the other order: the
 *		later one first.  That stays only if the whole is better: fewer units
 *		unserved of the first class, then of the next, at last less cost; and
 *		if the order of the higher class gets no less than it had.  So no
 *		batch is worse than one by one.
 *
 *		No SPI, no clock: the effort is counted in plans.
 */
#ifndef USOM_SOURCING_BATCH_H
#define USOM_SOURCING_BATCH_H

#include "sourcing/optimise.h"

/* What an order got. */
typedef struct UsomBatchOutcome
{
	UsomQuantity unserved;
	double		cost;
} UsomBatchOutcome;

/* How orders are planned is the caller's; they are numbered as they are served. */
typedef struct UsomBatch
{
	int			norders;
	const int  *classes;		/* by order: lower ones come before any higher; they do not fall */
	int			most_plans;		/* beyond one for each order */
	void	   *state;

	/* Plan the order, which has nothing, over what is left, and take that. */
	UsomBatchOutcome (*plan) (void *state, int order);

	/* What the order has is given back; and put again, while nothing of it is taken. */
	void	   *(*hold) (void *state, int order);
	void		(*put) (void *state, int order, void *held);

	/* Does an order have what another one may miss? */
	bool		(*is_missed) (void *state, int order, int other);
} UsomBatch;

/* Outcomes by order. */
extern UsomBatchOutcome *usom_sourcing_plan_batch(const UsomBatch *batch);

/* A problem over shared stock; its sites are those of the batch, with what they cost for it. */
typedef struct UsomBatchOrder
{
	UsomSourcingProblem problem;	/* its stock is not read */
	const int  *products;		/* by its products: that of the batch */
	int			class;
} UsomBatchOrder;

typedef struct UsomBatchProblem
{
	int			norders;
	int			nsites;
	int			nproducts;
	int			most_plans;
	const UsomBatchOrder *orders;	/* as they are served; classes do not fall */
	const UsomQuantity *stock;	/* products by sites */
	const UsomQuantity *capacity;	/* by site, of all orders together; NULL: no limit */
} UsomBatchProblem;

/* Plans by order.  Memory: CurrentMemoryContext, of all problems that were solved. */
extern UsomSourcingPlan **usom_sourcing_optimise_batch(const UsomBatchProblem *problem);

#endif							/* USOM_SOURCING_BATCH_H */
