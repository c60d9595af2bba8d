/*
 * settings.h
 *		The settings (GUCs) of usom, read as C variables.
 */
#ifndef USOM_BASE_SETTINGS_H
#define USOM_BASE_SETTINGS_H

#include "postgres.h"

extern char *usom_setting_org;	/* usom.org: code of the caller's organisation, "main" */
extern char *usom_setting_app_user; /* usom.app_user: claimed by the application, "" */
extern char *usom_setting_reason;	/* usom.reason: for plain SQL, "" */
extern bool usom_setting_allow_drop;	/* usom.allow_drop: off */
extern bool usom_setting_direct; /* usom.direct: on */
extern int	usom_setting_draft_hold;	/* usom.draft_hold: milliseconds, 600,000 */
extern int	usom_setting_node;	/* usom.node: high bits of next_id(), 0 */

extern void usom_settings_init(void);

#endif							/* USOM_BASE_SETTINGS_H */
