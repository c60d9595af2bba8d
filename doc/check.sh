#!/bin/sh
# Are the documents true?  Says so, or lists what is not and exits 1.
#
# - doc/errors.md is what tools/make-errors.sh prints; the stories in sql/ are
#   what tools/make-story.sh prints.
# - Every ```sql block of the documents of stories.txt, with the untagged block that follows
#   it, stands in the expected output of its story, in that order.
# - Every link to a file or heading of the project leads there.
# - With --reference: doc/reference.md is what tools/make-reference.sh prints
#   from the database that psql connects to.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
bad=0

say() {
	echo "doc: $*"
	bad=1
}

sh tools/make-errors.sh | cmp -s - doc/errors.md || say "errors.md is stale: sh tools/make-errors.sh > doc/errors.md"

if [ "${1:-}" = --reference ]; then
	sh tools/make-reference.sh | diff -u doc/reference.md - || say "reference.md is stale: sh tools/make-reference.sh > doc/reference.md"
fi

# Blocks against the output of a regression test, whose SQL they are.
story() {
	sh tools/make-story.sh "$1" | cmp -s - "sql/$2.sql" || say "sql/$2.sql is stale: sh tools/make-story.sh $1 > sql/$2.sql"
	perl -e '
		use strict; use warnings;
		my ($document, $expected) = @ARGV;
		# Blank lines and blanks at the end of a line do not count.
		my $lines = sub { grep { /\S/ } map { s/\s+$//r } split /\n/, $_[0] // "" };
		my $slurp = sub { open my $f, "<", $_[0] or die "doc: $_[0]: $!\n"; local $/; <$f> };
		my $text = $slurp->($document);
		my @output = $lines->($slurp->($expected));
		my ($at, $count, $bad) = (0, 0, 0);
		# Statements and what they answer take turns in the output.
		my $fits = sub {
			my ($i, @said) = @_;
			my @asked = @{ shift @said };
			while (@asked || @said)
			{
				return -1 if $i > $#output;
				if (@asked && $output[$i] eq $asked[0]) { shift @asked }
				elsif (@said && $output[$i] eq $said[0]) { shift @said }
				else { return -1 }
				$i++;
			}
			return $i;
		};
		while ($text =~ /^```sql\n(.*?)^```\n(?:\n*^```\n(.*?)^```\n)?/msg)
		{
			my @asked = $lines->($1);
			my @said = $lines->($2);
			my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
			my $end = -1;
			for (my $i = $at; $i <= $#output && $end < 0; $i++)
			{
				$end = $fits->($i, \@asked, @said) if $output[$i] eq $asked[0];
			}
			$count++;
			if ($end < 0) { print "doc: $document:$line: not in $expected\n"; $bad = 1 }
			else { $at = $end }
		}
		die "doc: $document has no sql block\n" unless $count;
		print "doc: $document: $count blocks as in $expected\n" unless $bad;
		exit $bad' "$1" "expected/$2.out" || bad=1
}
while read -r document name; do story "$document" "$name"; done <doc/stories.txt

# [text](file#heading) of every document, outside of code.
perl -e '
	use strict; use warnings; use File::Basename;
	my ($count, $bad) = (0, 0);
	my %headings;
	sub text_of { open my $f, "<", $_[0] or die "doc: $_[0]: $!\n"; local $/; my $s = <$f>; $s =~ s/^```.*?^```$//msg; $s }
	sub headings_of
	{
		my $file = shift;
		return $headings{$file} //= { map { my $h = lc; $h =~ s/[^a-z0-9 _-]//g; $h =~ s/ /-/g; $h => 1 } text_of($file) =~ /^#+ (.*)$/mg };
	}
	for my $document (@ARGV)
	{
		for my $link (text_of($document) =~ /\[[^]]*\]\(([^)\s]+)\)/g)
		{
			next if $link =~ /^[a-z]+:/;
			my ($path, $heading) = split /#/, $link, 2;
			my $target = $path eq "" ? $document : dirname($document) . "/" . $path;
			$count++;
			if (!-e $target) { print "doc: $document: no file $link\n"; $bad = 1 }
			elsif (defined $heading && !headings_of($target)->{$heading}) { print "doc: $document: no heading $link\n"; $bad = 1 }
		}
	}
	print "doc: $count links lead somewhere\n" unless $bad;
	exit $bad' *.md doc/*.md doc/decisions/*.md || bad=1

exit $bad
