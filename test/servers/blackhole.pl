# test/servers/blackhole.pl — two ports of 127.0.0.1 on which nothing ever happens.
#
# The first never completes a connection: its backlog is full and nobody accepts.  The second accepts
# and never says a word.  Prints both numbers in one line, then stays until it is ended.
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;

my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 1)
  or die "listen: $!\n";
my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 16)
  or die "listen: $!\n";

# Fill the first one's queue until a connection no longer completes.
my @filling;
while (@filling < 64)
{
	my $socket = IO::Socket::INET->new(
		PeerAddr => '127.0.0.1',
		PeerPort => $full->sockport,
		Proto => 'tcp',
		Blocking => 0) or die "connect: $!\n";
	push @filling, $socket;
	last unless IO::Select->new($socket)->can_write(0.3);
}

STDOUT->autoflush(1);
print $full->sockport, ' ', $mute->sockport, "\n";

my @accepted;
push @accepted, scalar $mute->accept while 1;
