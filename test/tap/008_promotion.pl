# The primary dies in the middle of load and its synchronous standby takes over:
# every acknowledged call is there, and orders go on with new numbers.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use UsomTest;
use UsomLoad;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep);

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "max_connections = 50\n");
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$primary->reload;
new_database($primary, 'desk');
seed($primary, 'desk', 12, 200_000);

# A standby reads, and says why it does not write.
$primary->wait_for_catchup($standby);
is_sound($standby, 'desk', 'on the standby');
is(sqlstate($standby, 'desk', "SELECT usom.receive_stock('L1', 'P1', 1)"), '25006', 'a standby does not write');

my $load = start_load($primary, 'desk', 'promotion');
sleep 1.5;
$primary->stop('immediate');
finish_load($load);
$standby->promote;
is_intact($standby, 'desk', 'promoted', $load);
ask_again($standby, 'desk', 'promoted', $load);
done_testing();
