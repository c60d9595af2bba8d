/*
 * settings.c
 *		The settings (GUCs) of usom.
 *
 *		Who may set what is told here once: an application claims its
 *		organisation, user and reason; only a superuser numbers the nodes.
 */
#include "postgres.h"
#include "utils/guc.h"

#include "base/card_guard.h"
#include "base/settings.h"

/* Ten bits above the 53 that the sequence fills: see ident.c. */
#define MAX_NODE 1023

char	   *usom_setting_org = NULL;
char	   *usom_setting_app_user = NULL;
char	   *usom_setting_reason = NULL;
bool		usom_setting_allow_drop = false;
bool		usom_setting_direct = true;
int			usom_setting_node = 0;
int			usom_setting_draft_hold = 600000;

/* From then on the caller who sets a value is there to be told. */
static bool defined = false;

/*
 * No card number in what is kept in the audit.  PostgreSQL's own message would
 * be without the value too, but with a context that quotes the statement; when
 * a server or a session starts nobody may raise here.
 */
static bool
check_claim(char **value, void **extra, GucSource source)
{
	if (*value == NULL || !usom_card_is_in(*value))
		return true;
	if (defined && source >= PGC_S_INTERACTIVE)
		usom_card_check_string("a setting of usom", *value);
	GUC_check_errmsg("a setting of usom holds what looks like the number of a payment card");
	return false;
}

static void
define_caller_settings(void)
{
	DefineCustomStringVariable("usom.org",
							   "Code of the organisation that the caller works for.",
							   NULL, &usom_setting_org, "main",
							   PGC_USERSET, 0, check_claim, NULL, NULL);
	DefineCustomStringVariable("usom.app_user",
							   "User of the application, as the application claims; kept in the audit.",
							   NULL, &usom_setting_app_user, "",
							   PGC_USERSET, 0, check_claim, NULL, NULL);
	DefineCustomStringVariable("usom.reason",
							   "Why plain SQL changes what it changes; kept in the audit.",
							   "Functions that take a reason use theirs.",
							   &usom_setting_reason, "",
							   PGC_USERSET, 0, check_claim, NULL, NULL);
}

void
usom_settings_init(void)
{
	define_caller_settings();
	DefineCustomBoolVariable("usom.allow_drop",
							 "Lets DROP commands take orders with them.",
							 NULL, &usom_setting_allow_drop, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("usom.direct",
							 "Reads and writes rows of orders past the executor where that is the same.",
							 "Off: by statements, which tools that look at statements see.",
							 &usom_setting_direct, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("usom.node",
							"Number of this database among those that exchange orders; high bits of new keys.",
							NULL, &usom_setting_node, 0, 0, MAX_NODE,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("usom.draft_hold",
							"How long a draft keeps its units after it was saved last.",
							NULL, &usom_setting_draft_hold, 600000, 1, 86400000,
							PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	MarkGUCPrefixReserved("usom");
	defined = true;
}
