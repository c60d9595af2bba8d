/*
 * usom.c
 *		The library: magic block, and one call per room when it is loaded.
 *
 *		A room's init only defines settings, registers life cycles and hands
 *		over callbacks; it reads no catalog and takes no lock, so the library
 *		may be loaded at any moment, shared_preload_libraries included.
 */
#include "postgres.h"
#include "base/compat.h"
#include "fmgr.h"

#include "api/api.h"
#include "audit/audit.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/fetch.h"
#include "base/ident.h"
#include "base/insert.h"
#include "base/memo.h"
#include "base/query.h"
#include "base/settings.h"
#include "fulfillment/fulfillment.h"
#include "fulfillment/pickup.h"
#include "intake/inbox.h"
#include "order/lifecycle.h"
#include "party/party.h"
#include "payment/credit.h"
#include "payment/payment.h"
#include "pricing/freight.h"
#include "pricing/rules.h"
#include "pricing/tax.h"
#include "returns/returns.h"
#include "sourcing/ruled.h"
#include "stock/quota.h"
#include "stock/site.h"
#include "stock/supply.h"

USOM_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	usom_card_init();
	usom_settings_init();
	usom_call_init();
	usom_query_init();
	usom_insert_init();
	usom_fetch_init();
	usom_memo_init();
	usom_memo_use_init();
	usom_ident_init();
	usom_audit_init();
	usom_party_init();
	usom_price_rules_init();
	usom_tax_init();
	usom_freight_init();
	usom_stock_init();
	usom_supply_init();
	usom_quota_init();
	usom_order_init();
	usom_sourcing_init();
	usom_credit_init();
	usom_payment_init();
	usom_fulfillment_init();
	usom_service_init();
	usom_returns_init();
	usom_api_init();
	usom_intake_init();
}
