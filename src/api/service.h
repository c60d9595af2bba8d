/*
 * service.h
 *		What the verbs of appointments share.
 */
#ifndef USOM_API_SERVICE_H
#define USOM_API_SERVICE_H

#include "fulfillment/service.h"
#include "order/order.h"

/* An appointment by its number, and its order, locked; NULL for an absence.  US654 */
extern UsomOrderSet *usom_api_load_appointment(UsomAppointment *appointment, int64 org_id, const char *appointment_no);

/* US655: an absence has no order. */
extern void usom_api_refuse_absence(const UsomAppointment *appointment, const char *verb);

/* Units of a line that have not left and are not cancelled. */
extern UsomQuantity usom_api_units_to_do(const UsomLine *line);

#endif							/* USOM_API_SERVICE_H */
