/*
 * service.h
 *		Rows of usom.appointment: who works on which order line, and when.
 *
 *		Appointments of orders change under the lock of the order; that nobody
 *		is booked twice is the constraint technician_booked_once.  All functions
 *		want an open call and allocate in CurrentMemoryContext.
 */
#ifndef USOM_FULFILLMENT_SERVICE_H
#define USOM_FULFILLMENT_SERVICE_H

#include "order/order.h"

typedef struct UsomAppointment
{
	int64		appointment_id;
	const char *appointment_no;
	const char *order_no;		/* NULL: an absence */
	int32		line_no;
	int64		technician_id;
	const char *technician;		/* code */
	TimestampTz starts_at;
	TimestampTz ends_at;
	const char *status;
	const char *reason;			/* may be NULL */
	int64		moved_from;		/* 0: none */
} UsomAppointment;

/* By its number, as it is now; US654 if there is none that the caller may see. */
extern UsomAppointment usom_service_find(int64 org_id, const char *appointment_no);

/* Minutes that the work of a product takes. */
extern int	usom_service_minutes(int64 org_id, int64 product_id);

/* 22023 unless an appointment may be so long. */
extern void usom_service_check_minutes(int minutes);

/*
 * Book the time for a technician (code), or with NULL for the first by code
 * who can, and fill in number and technician.  product_id 0: an absence, for
 * which nothing is asked.  sales_order_id 0: none.  US651 if the time is taken,
 * US652 if nobody fits, US657 if the line is booked.
 */
extern void usom_service_book(int64 org_id, int64 sales_order_id, int64 product_id, const char *technician,
							  UsomAppointment *appointment);

/* An appointment that stands ends as done, moved, cancelled or failed; US655 if it does not stand. */
extern void usom_service_end(int64 org_id, const UsomAppointment *appointment, const char *status, const char *reason);

#endif							/* USOM_FULFILLMENT_SERVICE_H */
