CREATE FUNCTION usom._privileges()
	RETURNS TABLE (object text, everybody text, agent text, manager text, warehouse text, channel text, integrator text, bi text, auditor text, break_glass text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT * FROM (VALUES
	--                            every  agent  mana-  ware-  chan-  inte-  bi     audi-  break
	--                            body          ger    house  nel    grator        tor    glass
	('organisation',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('channel',                   '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('access',                    '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('customer',                  '',    'riu', 'riu', 'r',   'r',   'riu', 'r',   'r',   'r'),
	('customer_address',          '',    'riud','riud','r',   '',    'riud','r',   'r',   'r'),
	('address',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('vault_key',                 '',    'r',   'r',   'r',   '',    '',    '',    '',    ''),
	('vault_index',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('erasure',                   '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('retention',                 '',    '',    'riud','',    '',    '',    '',    'r',   ''),
	('product',                   '',    'r',   'r',   'r',   'r',   'riu', 'r',   'r',   'r'),
	('kit_component',             '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('product_unit',              '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('price',                     '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('tax_rate',                  '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('freight_charge',            '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('price_contract',            '',    'r',   'r',   '',    '',    'riud','r',   'r',   'r'),
	('price_break',               '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('promotion',                 '',    'r',   'r',   '',    'r',   'riu', 'r',   'r',   'r'),
	('coupon',                    '',    'r',   'r',   '',    '',    'riu', 'r',   'r',   'r'),
	('coupon_redemption',         '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('price_step',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('count_rule',                '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('count_task',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('lot',                       '',    'r',   'riu', 'riu', '',    'r',   'r',   'r',   'r'),
	('serial_unit',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('location',                  '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('location_calendar',         '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('location_capacity',         '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('location_load',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('capacity_use',              '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('service_level',             '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('transit_time',              '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('freight_rate',              '',    'r',   'r',   'r',   '',    'riud','r',   'r',   'r'),
	('postcode_centroid',         '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('sourcing_rule',             '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('quota',                     '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('pre_order_offer',           '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('quota_load',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('quota_use',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('fill_priority',             '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_variant',         '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_segment',         '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_sort',            '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_run',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_change',          '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('stock',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('stock_movement',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('reservation',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('supply',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('sales_order',               '',    'riu', 'riu', 'r',   'riu', 'r',   'r',   'r',   'riud'),
	('order_line',                '',    'riud','riud','r',   'riud','r',   'r',   'r',   'riud'),
	('fulfillment_line',          '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('hold',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('hold_type',                 '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('hold_rule',                 '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('flow',                      '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_state',                '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_transition',           '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_guard',                '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_effect',               '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_rule',                 '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('check_rule',                '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('product_restriction',       '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('check_hit',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('order_fingerprint',         '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('payment_method',            '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('payment',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('payment_line',              '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('payment_request',           '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'riud'),
	('credit_account',            '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'ru'),
	('credit_use',                '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('payment_transaction',       '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('order_history',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('approval_rule',              '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'r'),
	('price_limit',                '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'r'),
	('approval',                   '',    'r',   'r',   '',    '',    '',    'r',   'r',   'riud'),
	('price_override',             '',    'r',   'r',   '',    '',    '',    'r',   'r',   'riud'),
	('order_risk',                 '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'r'),
	('event',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('exception_case',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('make_order',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('allocation_run',            '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('substitute',                '',    'r',   'riud', 'r',  'r',   'riud', 'r',  'r',   'r'),
	('line_unit',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('order_tax',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('line_substitution',         '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('stock_interest',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('consolidation',             '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('consolidation_order',       '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('handling_class',             '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('packaging',                  '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('package',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('manifest',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('gift_wrap',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('tracking_event',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('pickup',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('drop_ship_receipt',         '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('technician',                '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('technician_skill',          '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('technician_hours',          '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('service_work',              '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('appointment',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('service_report',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('mapping',                     '',     'r',    'riud', 'r',    'r',    'riud', 'r',    'r',    'r'),
	('mapping_field',               '',     'r',    'riud', 'r',    'r',    'riud', 'r',    'r',    'r'),
	('mapping_value',               '',     'r',    'riud', 'r',    'r',    'riud', 'r',    'r',    'r'),
	('intake_policy',               '',     'r',    'riud', 'r',    'r',    'riud', 'r',    'r',    'r'),
	('inbox_message',               '',     'r',    'r',    '',     'r',    'r',    'r',    'r',    'riud'),
	('inbox_payload',             '',    'r',   'r',   '',    '',    'r',   '',    'r',   'r'),
	('fulfillment',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('fulfillment_message',       '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('cut_off',                   '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('warehouse_request',         '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('bin',                       '',    'r',   'riu', 'riu', '',    'r',   'r',   'r',   'r'),
	('bin_product',               '',    'r',   'riud','riud','',    'r',   'r',   'r',   'r'),
	('wave_rule',                 '',    'r',   'riu', 'riu', '',    'r',   'r',   'r',   'r'),
	('wave',                      '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('pick_task',                 '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('shipment',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_order',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_line',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_piece',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_rule',               '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('document_counter',          '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('audit_entry',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('audit_block',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	-- views run with the rights of who reads them
	('customers',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('addresses',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('price_steps',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('inbox',                     '',    'r',   'r',   '',    '',    'r',   '',    'r',   'r'),
	('orders',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_lines',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_pieces',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('backorders',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('kits',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('locations',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('location_hours',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('location_loads',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('freight_rates',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('sourcing_rules',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_runs',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_changes',         '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('supplies',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('counts',                    '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('stock_accuracy',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('lots',                      '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('serials',                   '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('quotas',                    '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('make_orders',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('pre_orders',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('stock_position',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('holds',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('flows',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('flow_steps',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('check_rules',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('check_hits',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('approvals',                  '',    'r',   'r',   '',    '',    '',    'r',   'r',   'r'),
	('price_overrides',            '',    'r',   'r',   '',    '',    '',    'r',   'r',   'r'),
	('events',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('exceptions',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('allocation_runs',           '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('substitutes',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('product_units',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('line_units',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('substitutions',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('stock_interests',           '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('consolidations',            '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('pickups',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('drop_ship_receipts',        '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('technicians',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('appointments',              '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('service_papers',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('packages',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('package_lines',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('tracking_events',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('manifests',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('fulfillments',              '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('warehouse_requests',        '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('cut_offs',                  '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('waves',                     '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('pick_tasks',                '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('shipments',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('returns',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('return_pieces',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('payments',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('payment_requests',          '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('credit',                    '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'r'),
	('payment_transactions',      '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('timeline',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_statuses',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('audit',                     '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	-- what reads no table, and what policies and defaults of columns call
	('version()',                 'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('help()',                    'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('error_codes()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('lifecycle()',               'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('order_lifecycle()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('piece_lifecycle()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('order_types()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('checks()',                  'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('currencies()',              'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('lifecycle_dot()',           'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('distance_km()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('ration()',                  'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('current_org()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('check_inclusion()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('check_consistency()',       'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	-- for superusers, and whom they give it
	('install()',                 '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('upgrade()',                 '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('doctor()',                  '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('demo()',                    '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('demo_remove()',             '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('seal_audit()',              '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('tick()',                    '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('grant_access()',            '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('revoke_access()',           '',    '',    '',    '',    '',    '',    '',    '',    ''),
	-- keys
	('next_id()',                 '',    'x',   'x',   '',    'x',   'x',   '',    '',    'x'),
	('next_document_no()',        '',    'x',   'x',   '',    'x',   '',    '',    '',    'x'),
	('default_currency()',        '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('channel_id()',              '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('customer_id()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('product_id()',              '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('location_id()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	-- orders
	('quote()',                   '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('place_order()',             '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('_standard_mappings()',      '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_standard_fields()',        '',    '',    'x',   '',    '',    'x',   '',    '',    ''),
	('_flow_graph()',             '',    'x',   'x',   '',    '',    '',    '',    'x',   ''),
	('ingest()',                    '',     'x',    'x',    '',     'x',    'x',    '',     '',     ''),
	('map_payload()',               '',     'x',    'x',    '',     'x',    'x',    '',     '',     ''),
	('replay()',                    '',     'x',    'x',    '',     '',     'x',    '',     '',     ''),
	('park()',                      '',     'x',    'x',    '',     '',     'x',    '',     '',     ''),
	('mend()',                      '',     'x',    'x',    '',     '',     'x',    '',     '',     ''),
	('explain_mapping()',           '',     'x',    'x',    '',     '',     'x',    '',     '',     ''),
	('work_inbox()',                '',     '',     'x',    '',     '',     'x',    '',     '',     ''),
	('retry_inbox()',               '',     '',     'x',    '',     '',     'x',    '',     '',     ''),
	('inbox_take()',                '',     '',     'x',    '',     '',     'x',    '',     '',     ''),
	('add_mapping()',               '',     '',     'x',    '',     '',     'x',    '',     '',     ''),
	('mapping_id()',                '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('standard_mappings()',         '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('place_orders()',            '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('submit_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('confirm_order()',           '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('reject_order()',            '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('close_order()',             '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('cancel_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('cancel_line()',             '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('change_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('set_order_tax()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('hold_order()',              '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('release_hold()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('set_address_verdict()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('release_credit_hold()',     '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('review_credit()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('credit_position()',         '',    'x',   'x',   '',    '',    'x',   'x',   'x',   ''),
	('_credit_owed()',            '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_credit_counts()',          '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('approve_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('decline_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('request_approval()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('override_price()',           '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('reprice_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('score_order()',              '',    '',    'x',   '',    '',    'x',   '',    '',    ''),
	('resolve_exception()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('propose_substitution()',    '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('accept_substitution()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('decline_substitution()',    '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('substitute_backorders()',   '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('watch_stock()',             '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('unwatch_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('tell_back_in_stock()',      '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('allocate_order()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('_begin_allocation()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('_continue_allocation()',    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('allocate_orders()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('reallocate_order()',        '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('backorder_run()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('fill_backorders()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('convert_pre_orders()',      '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('request_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('approve_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('start_make()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('cancel_make()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('split_order()',             '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('split_backorder()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('merge_backorder()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('release_order()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('release_due()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('void_release()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('record_fulfillment()',      '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('answer_request()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('_place_of()',               '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('consolidation_candidates()', '',   'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('consolidate()',             '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('plan_wave()',               '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('claim_picks()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('unclaim_picks()',           '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('confirm_pick()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('short_pick()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('report_short()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('pick()',                    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('ship_consolidated()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('wrap_gift()',                '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('pack()',                     '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('unpack()',                   '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('void_shipment()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('close_manifest()',           '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('packing_slip()',             '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('shipping_label()',           '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('manifest_sheet()',           '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('record_tracking()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('fail_delivery()',            '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('retry_delivery()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('return_to_sender()',         '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('lose_shipment()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_undelivered()',      '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('ship()',                    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('deliver()',                 '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('authorize_return()',        '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('record_payment()',          '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('authorize_payment()',       '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('capture_payment()',         '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('void_payment()',            '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('refund_payment()',          '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('charge_back()',             '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('complete_order()',          '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('refund_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('collect_payment()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('_payment_sums()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('receive_return()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_blind_return()',    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('inspect_return()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('approve_return()',          '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('refuse_return()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('cancel_return()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('explain_return()',          '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('exchange_return()',         '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('piece_amounts()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_price()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_promise()',         '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_shares()',                 '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_minor_digits()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_line_value()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_unallocated()',            '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_order_payment_status()',   '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_payment_status()',         '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_part()',                   '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_charge_part()',            '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('order_timeline()',          '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_status()',          '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('flow_id()',                 '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('check_flow()',              '',    'x',   'x',   '',    '',    '',    '',    'x',   ''),
	('publish_flow()',            '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('revise_flow()',             '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('take_step()',               '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('grant_order()',             '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('explain_steps()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('flow_dot()',                '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('pickup_alternatives()',     '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('_pickup_alternatives()',    '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('move_pickup()',             '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('technician_id()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('ready_pickup()',           '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('collect_pickup()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('reject_pickup()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('put_back_pickups()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_drop_ship()',      '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('service_slots()',          '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('book_appointment()',       '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('move_appointment()',       '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('cancel_appointment()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('fail_appointment()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('block_technician()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('complete_service()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('simulate_sourcing()',       '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('explain_sourcing()',        '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('why_not_allocated()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	-- people
	('find_customers()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('export_customer()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('erase_customer()',          '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('erase_order_person()',      '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	-- stock
	('convert_quantity()',        '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('available()',               '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('earliest_shipment()',       '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('reserve_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('release_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('receive_stock()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('receive_stocks()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('plan_count()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('record_count()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('recall()',                  '',    'x',   'x',   'x',   '',    'x',   'x',   'x',   ''),
	('block_lot()',               '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_serials()',         '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('remove_serials()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('assign_serials()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('adjust_stock()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('count_stock()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('add_supply()',              '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('change_supply()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('reverse_receipt()',         '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('cancel_supply()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('receive_supply()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('set_safety()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	-- orders as they were are read from the audit
	('order_as_of()',             '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('order_changes()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	-- checking; what these call inside runs with the rights of who asks, too
	('verify()',                  '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('verify_%()',                '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_order_%()',                 '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_seal_state()',              '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_has_key()',                 '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_contact_digest()',          '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_merkle_%()',                '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_block_header()',            '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_to_hex()',                  '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('export_digest()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('inclusion_proof()',         '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('consistency_proof()',       '',    '',    'x',   '',    '',    '',    '',    'x',   '')
	) AS m
$$;
COMMENT ON FUNCTION usom._privileges() IS 'What everybody and each profile may do: r read, i insert, u update, d delete, x execute. Functions are written with parentheses, % stands for any letters. All grants of usom are made from this table; what it does not name is for the owner alone.';
REVOKE ALL ON FUNCTION usom._privileges() FROM PUBLIC;

CREATE FUNCTION usom._profiles() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT ARRAY['agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor', 'break_glass']$$;
COMMENT ON FUNCTION usom._profiles() IS 'Names of the profiles: the group role of each is usom_<profile>.';
REVOKE ALL ON FUNCTION usom._profiles() FROM PUBLIC;

CREATE FUNCTION usom._wanted_grants() RETURNS TABLE (grantee text, kind text, object text, privilege text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
	WITH found AS MATERIALIZED (
		SELECT to_jsonb(m) - 'object' AS letters, 'TABLE' AS kind, format('usom.%I', c.relname) AS object
		FROM usom._privileges() m JOIN pg_class c ON c.relname = m.object
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v')
		UNION ALL
		SELECT to_jsonb(m) - 'object', 'ROUTINE', format('usom.%I(%s)', f.proname, pg_get_function_identity_arguments(f.oid))
		FROM (SELECT replace(left(p.object, -2), '_', '\_') AS pattern, p.* FROM usom._privileges() p WHERE p.object LIKE '%()') m
			JOIN pg_proc f ON f.proname LIKE m.pattern
		WHERE f.pronamespace = 'usom'::regnamespace AND f.prorettype <> 'trigger'::regtype
	)
	SELECT DISTINCT CASE p.key WHEN 'everybody' THEN 'PUBLIC' ELSE 'usom_' || p.key END, f.kind, f.object,
		CASE l.letter WHEN 'r' THEN 'SELECT' WHEN 'i' THEN 'INSERT' WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN 'x' THEN 'EXECUTE' END
	FROM found f CROSS JOIN LATERAL jsonb_each_text(f.letters - 'pattern') p
		CROSS JOIN LATERAL regexp_split_to_table(nullif(p.value, ''), '') AS l (letter)
$$;
COMMENT ON FUNCTION usom._wanted_grants() IS 'The table of privileges, one row for each grant on what this database has.';
REVOKE ALL ON FUNCTION usom._wanted_grants() FROM PUBLIC;

CREATE FUNCTION usom._made_grants() RETURNS TABLE (grantee text, kind text, object text, privilege text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
	SELECT r.rolname::text, 'TABLE', format('usom.%I', c.relname), a.privilege_type
	FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND r.rolname IN (SELECT 'usom_' || unnest(usom._profiles()))
	UNION ALL
	SELECT r.rolname::text, 'ROUTINE', format('usom.%I(%s)', f.proname, pg_get_function_identity_arguments(f.oid)), a.privilege_type
	FROM pg_proc f CROSS JOIN LATERAL aclexplode(f.proacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE f.pronamespace = 'usom'::regnamespace AND r.rolname IN (SELECT 'usom_' || unnest(usom._profiles()))
$$;
COMMENT ON FUNCTION usom._made_grants() IS 'What the group roles of the profiles were granted in this database.';
REVOKE ALL ON FUNCTION usom._made_grants() FROM PUBLIC;

CREATE FUNCTION usom._settle_privileges() RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
DECLARE
	name text;
	command text;
BEGIN
	FOREACH name IN ARRAY usom._profiles() LOOP
		-- another database of the cluster may have made it, or be about to
		CONTINUE WHEN to_regrole('usom_' || name) IS NOT NULL;
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', 'usom_' || name);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
	FOR command IN
		SELECT format('REVOKE %s ON %s %s FROM %I', m.privilege, m.kind, m.object, m.grantee)
		FROM (SELECT * FROM usom._made_grants() EXCEPT SELECT * FROM usom._wanted_grants()) m
		UNION ALL
		SELECT format('GRANT %s ON %s %s TO %I', string_agg(w.privilege, ', '), w.kind, w.object, w.grantee)
		FROM (SELECT * FROM usom._wanted_grants() WHERE grantee <> 'PUBLIC' EXCEPT SELECT * FROM usom._made_grants()) w
		GROUP BY w.kind, w.object, w.grantee
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._settle_privileges() IS 'Makes the group roles of the profiles, unless they are there, and brings their privileges to what _privileges() says. Part of install() and upgrade().';
REVOKE ALL ON FUNCTION usom._settle_privileges() FROM PUBLIC;

CREATE FUNCTION usom._is_public(routine oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	-- what belongs to a type is for whoever may use the type
	SELECT EXISTS (SELECT FROM usom._privileges() m WHERE m.everybody = 'x' AND m.object = f.proname || '()')
		OR EXISTS (SELECT FROM unnest(f.proargtypes || f.prorettype) a (type) JOIN pg_type t ON t.oid = a.type
			WHERE (t.typnamespace = 'usom'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A') OR t.oid = 'cstring'::regtype)
	FROM pg_proc f WHERE f.oid = routine
$$;
COMMENT ON FUNCTION usom._is_public(oid) IS 'Is the function for everybody, by the table of privileges or because a type needs it?';
REVOKE ALL ON FUNCTION usom._is_public(oid) FROM PUBLIC;

CREATE FUNCTION usom._sees_channel(channel_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_channel' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_channel(bigint) IS 'Part of policies: may the caller see orders of the channel? Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_channel(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_channel(bigint) TO PUBLIC;

CREATE FUNCTION usom._sees_order(sales_order_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_order' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_order(bigint) IS 'Part of policies: may the caller see rows of the order? Null, a row of no order: only if all channels are seen. Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_order(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_order(bigint) TO PUBLIC;

CREATE FUNCTION usom._sees_return(return_order_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_return' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_return(bigint) IS 'Part of policies: may the caller see rows of the return? Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_return(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_return(bigint) TO PUBLIC;

CREATE FUNCTION usom._secure_table(relation text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	columns name[] := ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = format('usom.%I', relation)::regclass AND NOT attisdropped);
	condition text := '';
BEGIN
	IF relation = 'address' THEN
		condition := ' AND usom._sees_order(NULL)';
	ELSIF relation IN ('sales_order', 'pick_task', 'inbox_message', 'inbox_payload') THEN
		condition := ' AND usom._sees_channel(channel_id)';
	ELSIF relation = 'supply' THEN
		condition := ' AND (sales_order_id IS NULL OR usom._sees_order(sales_order_id))';
	ELSIF 'sales_order_id' = ANY (columns) THEN
		condition := ' AND usom._sees_order(sales_order_id)';
	ELSIF 'return_order_id' = ANY (columns) THEN
		condition := ' AND usom._sees_return(return_order_id)';
	END IF;
	EXECUTE format('ALTER TABLE usom.%I ENABLE ROW LEVEL SECURITY', relation);
	EXECUTE format('CREATE POLICY usom_org ON usom.%I USING (org_id = usom.current_org()%s)', relation, condition);
END
$$;
COMMENT ON FUNCTION usom._secure_table(text) IS 'Puts row security on a table with org_id: rows of the caller''s organisation alone, and, where they are of orders or returns, of the channels that the caller may see; addresses are for those who see all channels.';
REVOKE ALL ON FUNCTION usom._secure_table(text) FROM PUBLIC;
