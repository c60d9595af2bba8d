# What tools/tidy.sh runs: reads the tree once, then one function a convention.
#
# usage: perl tools/tidy.pl VERSION ROOM...     (in the top folder)
use strict;
use warnings;
use File::Find;

use constant {
	FUNCTION_LINES  => 70,
	FUNCTION_MEDIAN => 15,
	FILE_LINES      => 600,
};

my ($version, @rooms) = @ARGV;
my %rank = map { $rooms[$_] => $_ } 0 .. $#rooms;
my @findings;
my %text;    # path => contents

sub finding
{
	my ($path, $line, $what) = @_;
	push @findings, [ $path, $line, $what ];
}

sub line_at
{
	my ($text, $offset) = @_;
	return 1 + (substr($text, 0, $offset) =~ tr/\n//);
}

sub read_tree
{
	my @folders = grep { -d } qw(src sql test bench demo tools doc .ci);
	my @files = grep { -f } qw(Makefile README.md CONTRIBUTING.md CHANGELOG.md usom.control);
	find({ no_chdir => 1, wanted => sub {
		push @files, $_ if -f && /(\.(c|h|def|sql|sql\.in|spec|sh|pl|pm|md|mk|py)|run)$/ } }, @folders);
	for my $path (sort @files)
	{
		open my $in, '<', $path or die "$path: $!";
		local $/;
		$text{$path} = <$in>;
		$text{$path} = '' unless defined $text{$path};
	}
}

sub paths { my $pattern = shift; return grep { $_ =~ $pattern } sort keys %text }
sub room_of { return $_[0] =~ m{^src/([^/]+)/} ? $1 : undef }

# Blank out what a pattern matches, line ends kept, so that offsets stay true.
sub blank { my $s = shift; $s =~ s/[^\n]/ /g; return $s }

my $c_comment = qr{/\*.*?\*/}s;
my $c_string  = qr{"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'};

# Leading alternatives win, so a comment sign in a string is left alone.
sub without_comments { my $s = shift; $s =~ s{($c_string)|($c_comment)}{defined $1 ? $1 : blank($2)}ge; return $s }
sub without_strings  { my $s = shift; $s =~ s{($c_string)}{blank($1)}ge; return $s }

sub c_code
{
	my $path = shift;
	my $code = without_comments($text{$path});
	$code =~ s{^(\s*#\s*include\s*"[^"]*")|($c_string)}{defined $1 ? $1 : blank($2)}gme;
	return $code;
}

# ---- C ----

# Names that the header of a room declares, with the room.
sub declared_names
{
	my %home;
	for my $path (paths(qr{^src/[^/]+/[^/]+\.h$}))
	{
		my $code = c_code($path);
		$home{$1} //= room_of($path) while $code =~ /^(?:extern|static inline)\b[^;{]*?\b(usom_\w+)\s*[(;\[]/gm;
		$home{$1} //= room_of($path) while $code =~ /^\}?\s*(?:typedef struct \w+ )?(Usom\w+);/gm;
	}
	return \%home;
}

sub check_room_direction
{
	my $home = declared_names();
	my $names = join '|', map { quotemeta } sort { length $b <=> length $a } @rooms;

	for my $path (paths(qr{^src/[^/]+/[^/]+\.[ch]$}))
	{
		my $room = room_of($path);
		my $code = c_code($path);
		my %seen;

		if (!exists $rank{$room})
		{
			finding($path, 1, "room \"$room\" is not among ROOMS of the Makefile");
			next;
		}
		while ($code =~ /#\s*include\s*"([^"\/]+)\/[^"]*"/g)
		{
			finding($path, line_at($code, $-[0]), "$room includes a header of $1, a room to its right")
			  if exists $rank{$1} && $rank{$1} > $rank{$room};
		}
		while ($code =~ /\b(usom_($names)_\w+|usom_\w+|Usom\w+)\b/g)
		{
			my ($name, $of) = ($1, $home->{$1} // $2);
			next if !defined $of || $rank{$of} <= $rank{$room} || $seen{$name}++;
			finding($path, line_at($code, $-[0]), "$room uses $name of $of, a room to its right");
		}
	}
}

my @lengths;

sub check_function_length
{
	for my $path (paths(qr{^src/.*\.[ch]$}))
	{
		my @lines = split /\n/, without_comments($text{$path}), -1;
		my ($open, $before) = (undef, '');
		for my $i (0 .. $#lines)
		{
			if ($lines[$i] =~ /^\{\s*$/ && $before =~ /\)\s*$/) { $open = $i }
			elsif ($lines[$i] =~ /^\}/ && defined $open)
			{
				my $length = $i - $open + 1;
				push @lengths, $length;
				finding($path, $open + 1, "function of $length lines, at most " . FUNCTION_LINES)
				  if $length > FUNCTION_LINES;
				$open = undef;
			}
			$before = $lines[$i] if $lines[$i] =~ /\S/;
		}
	}
	@lengths = sort { $a <=> $b } @lengths;
	finding('src', 1, 'median function of ' . percentile(50) . ' lines, at most ' . FUNCTION_MEDIAN)
	  if percentile(50) > FUNCTION_MEDIAN;
}

sub percentile { return @lengths ? $lengths[int($#lengths * $_[0] / 100 + 0.5)] : 0 }

sub comment_share
{
	my ($comment, $all) = (0, 0);
	for my $path (paths(qr{^src/.*\.[ch]$}))
	{
		my @with    = split /\n/, $text{$path};
		my @without = split /\n/, without_comments($text{$path});
		for my $i (0 .. $#with)
		{
			next unless $with[$i] =~ /\S/;
			$all++;
			$comment++ if !defined $without[$i] || $without[$i] !~ /\S/;
		}
	}
	return $all ? 100 * $comment / $all : 0;
}

sub check_c_habits
{
	for my $path (paths(qr{^src/.*\.([ch]|def)$}))
	{
		my $bare = without_strings(without_comments($text{$path}));
		finding($path, line_at($bare, $-[0]), 'a // comment') while $bare =~ m{//}g;
		next if $path eq 'src/base/compat.h';
		finding($path, line_at($bare, $-[0]), 'version test outside of base/compat.h')
		  while $bare =~ /\bPG_VERSION_NUM\b/g;
	}
}

# What the linker sees carries the prefix: symbols of libraries share one space before PostgreSQL 16.
sub check_symbols
{
	for my $path (paths(qr{^src/.*\.c$}))
	{
		my $bare = without_strings(without_comments($text{$path}));
		while ($bare =~ /^([A-Za-z_][\w \t*]*?)[\s*]+([a-z_]\w*)\(([^;{}]*?)\)\n\{/gm)
		{
			my ($head, $name, $offset) = ($1, $2, $-[2]);
			next if $head =~ /\bstatic\b/ || $name =~ /^(usom_\w+|_PG_init|_PG_fini)$/;
			finding($path, line_at($bare, $offset), "extern function $name lacks the prefix usom_");
		}
		while ($bare =~ /^(?!static\b|extern\b|typedef\b|return\b|PG_)[A-Za-z_][\w ]*[ \t*]+([a-z_]\w*)(?:\[[^\]]*\])?\s*(?:=[^;]*)?;/gm)
		{
			finding($path, line_at($bare, $-[1]), "extern variable $1 lacks the prefix usom_") if $1 !~ /^usom_/;
		}
	}
}

# ---- statements in C ----

sub check_queries
{
	for my $path (paths(qr{^src/.*\.c$}))
	{
		my $code = without_comments($text{$path});
		while ($code =~ /\bUsomQuery\s+\w+\s*=\s*\{(?:\s*\.text\s*=)?\s*((?:$c_string\s*)+)/g)
		{
			my ($line, $sql) = (line_at($code, $-[0]), $1);
			$sql = join '', $sql =~ /"((?:[^"\\]|\\.)*)"/g;
			$sql =~ s/'[^']*'/''/g;
			check_query($path, $line, $sql);
		}
	}
}

sub check_query
{
	my ($path, $line, $sql) = @_;
	my %local;    # names that the statement itself makes
	my $tables = 0;

	$local{lc $1} = 1 while $sql =~ /\b(\w+)\s*(?:\([\w\s,]*\))?\s+AS\s+(?:NOT\s+MATERIALIZED\s+|MATERIALIZED\s+)?\(/gi;
	$local{lc $1} = 1 while $sql =~ /\bAS\s+(\w+)\s*\(/gi;
	$local{lc $1} = 1 while $sql =~ /\)\s*(?:WITH\s+ORDINALITY\s+)?(?:AS\s+)?(\w+)\s*\([\w\s,]+\)/gi;

	while ($sql =~ /\b(FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+|LATERAL\s+)?([\w.]+|\()(\s*\()?/gi)
	{
		my ($word, $name, $call) = (uc $1, $2, $3);
		next if $name eq '(' || $name =~ /^(set|of|skip|nowait)$/i || $local{lc $name};
		next if $word eq 'FROM' && substr($sql, 0, $-[0]) =~ /\bDISTINCT\s*$/i;
		if ($name !~ /\./ && !defined $call)
		{
			finding($path, $line, "statement names $name without a schema");
		}
		$tables++ if $name =~ /^usom\.(?!_schema_step|_migration|organisation)/ && (!defined $call || $word eq 'INTO');
	}
	finding($path, $line, 'statement reads or writes tables without org_id') if $tables && $sql !~ /\borg_id\b/;
}

# ---- SQL ----

my %statements;    # path => list of [line, text without bodies, text]

# A room's SQL cut into statements; bodies and comments do not cut.
sub statements_of
{
	my $path = shift;
	return @{ $statements{$path} } if $statements{$path};
	my $sql = $text{$path};
	my $bare = $sql;
	my @found;

	$bare =~ s{(--[^\n]*)|(\$(\w*)\$.*?\$\3\$)|('(?:[^']|'')*')|($c_comment)}{blank($&)}gse;
	while ($bare =~ /\S[^;]*;/g)
	{
		my ($from, $to) = ($-[0], $+[0]);
		push @found, [ line_at($bare, $from), substr($bare, $from, $to - $from), substr($sql, $from, $to - $from) ];
	}
	$statements{$path} = \@found;
	return @found;
}

sub room_sql { return paths(qr{^src/[^/]+/\w+\.sql(\.in)?$}) }

my $kinds = qr/FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN|TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|EVENT TRIGGER/;

# Every COMMENT ON of all rooms: "kind name" => 1.
sub comments_made
{
	my %made;
	for my $path (room_sql())
	{
		for (statements_of($path))
		{
			$made{ lc($1) . ' ' . $2 } = 1
			  if $_->[1] =~ /^COMMENT\s+ON\s+($kinds|COLUMN)\s+((?:[\w@]+\.)*[\w@]+)/;
		}
	}
	return \%made;
}

sub check_comments
{
	my $made = comments_made();
	for my $path (room_sql())
	{
		for (statements_of($path))
		{
			my ($line, $bare) = @$_;
			next unless $bare =~ /^CREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?($kinds)\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.@]+)/;
			my ($kind, $name) = (lc $1, $2);
			finding($path, $line, "no COMMENT ON " . uc($kind) . " $name")
			  unless $made->{"$kind $name"} || ($kind eq 'table' && $bare =~ /PARTITION\s+OF/);
			check_column_comments($path, $line, $name, $bare, $made) if $kind eq 'table';
		}
	}
}

sub check_column_comments
{
	my ($path, $line, $table, $bare, $made) = @_;
	return unless $bare =~ /^[^(]*\((.*)\)/s;
	my ($body, $depth, $item) = ($1, 0, '');
	my @items;
	for my $char (split //, $body)
	{
		$depth++ if $char eq '(';
		$depth-- if $char eq ')';
		if ($char eq ',' && !$depth) { push @items, $item; $item = '' }
		else { $item .= $char }
	}
	for (@items, $item)
	{
		next if !/^\s*(\w+)/ || $1 =~ /^(CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK|EXCLUDE|LIKE)$/i;
		finding($path, $line, "no COMMENT ON COLUMN $table.$1") unless $made->{"column $table.$1"};
	}
}

# A comment right above a function may say that it goes without SET, and why.
sub excused
{
	my ($path, $line) = @_;
	return $line > 1 && (split /\n/, $text{$path})[ $line - 2 ] =~ /^--.*\bSET clause\b/;
}

# Functions of the kind that a type or trigger calls, not a person.
my $machinery = qr/\b(cstring|internal|trigger|event_trigger)\b/;

sub check_functions
{
	my $revoked = join "\n", map { $_->[1] } grep { $_->[1] =~ /^REVOKE\b/ } map { statements_of($_) } room_sql();
	for my $path (room_sql())
	{
		for (statements_of($path))
		{
			my ($line, $bare) = @$_;
			next unless $bare =~ /^CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+([\w@]+)?\.?([\w@]+)/;
			my ($schema, $name) = ($1, $2);
			my $internal = $name =~ /^_/;
			my $fixed = $bare =~ /\bSET\s+search_path\b/;

			finding($path, $line, "function $name is created without a schema") unless defined $schema;
			finding($path, $line, "SECURITY DEFINER function $name without SET search_path")
			  if $bare =~ /SECURITY\s+DEFINER/ && !$fixed;
			finding($path, $line, "public function $name without SET search_path")
			  if !$internal && !$fixed && $bare !~ $machinery && $path !~ /\.in$/ && !excused($path, $line);
			finding($path, $line, "internal function $name is not revoked from PUBLIC")
			  if $internal && $revoked !~ /\busom\.\Q$name\E\b/;
		}
	}
}

# ---- the whole tree ----

sub check_errors
{
	my $c = join '', map { without_comments($text{$_}) } paths(qr{^src/.*\.[ch]$});
	my $sql = join '', map { $text{$_} } room_sql();
	my $tests = join '', map { $text{$_} } paths(qr{^(sql|test)/});
	my $table = $text{'src/base/errors.def'} // '';
	while ($table =~ /^USOM_ERROR\("(\w{5})",\s*(\w+)/gm)
	{
		my ($state, $name, $line) = ($1, $2, line_at($table, $-[0]));
		finding('src/base/errors.def', $line, "$state $name is raised nowhere in src/")
		  unless $c =~ /\bUSOM_ERR\($name\)/ || $sql =~ /'$state'/;
		finding('src/base/errors.def', $line, "$state $name has no test in sql/ or test/")
		  unless $tests =~ /\b(?:$state|$name)\b/;
	}
}

sub check_files
{
	my $left_over = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' x 3, 'HA' . 'CK';
	for my $path (sort keys %text)
	{
		my $lines = $text{$path} =~ tr/\n//;
		finding($path, FILE_LINES, "file of $lines lines, at most " . FILE_LINES)
		  if $lines > FILE_LINES && $path !~ /\.md$/;
		while ($text{$path} =~ /\b($left_over)\b/g)
		{
			finding($path, line_at($text{$path}, $-[0]), "left over: $1");
		}
	}
}

sub check_script
{
	my $script = "usom--$version.sql";
	my $now = `sh tools/assemble.sh $version @rooms`;
	my $kept = '';
	if (open my $in, '<', $script) { local $/; $kept = <$in> }
	finding($script, 1, "differs from its rooms: run make $script and commit it") if $now ne $kept;
}

read_tree();
check_room_direction();
check_function_length();
check_c_habits();
check_symbols();
check_queries();
check_comments();
check_functions();
check_errors();
check_files();
check_script();

print "$_->[0]:$_->[1]: $_->[2]\n"
  for sort { $a->[0] cmp $b->[0] || $a->[1] <=> $b->[1] || $a->[2] cmp $b->[2] } @findings;
printf "tidy: %d %s; %d functions: median %d lines, p90 %d, longest %d; comments %.1f %% of C\n", scalar @findings,
  @findings == 1 ? 'finding' : 'findings', scalar @lengths, percentile(50), percentile(90), percentile(100), comment_share();
exit(@findings ? 1 : 0);
