# test/run.pl [KIND|KIND/TEST...] — run the tests of a built and installed tree, count them, and say so.
#
# Called by test/check.sh, in a writable copy of the sources that is the current folder.  A kind of test is a
# folder test/<kind> with a program run.sh, or with files *.pl that each are one; each runs as a job of its own, in its
# own process group, side by side with others, and speaks TAP on its standard output.  Before the
# first one the servers of test/servers are started; their places are in the environment.  A skipped test is not a
# passed one; a job that says nothing, breaks off or exits with a failure has failed.
# The last line is "N passed, N failed"; the exit status is 0 when nothing failed and something passed.
use strict;
use warnings;
use Cwd qw(getcwd);
use POSIX qw(WNOHANG setpgid);
use Time::HiRes qw(sleep time);

my $root = getcwd();
my $tmp = "$root/tmp";
my $parallel = $ENV{CONNHUB_CHECK_JOBS} || 2;
my $job_seconds = $ENV{CONNHUB_CHECK_SECONDS} || 780;
my %wanted = map { $_ => 1 } @ARGV;
my %apart = map { $_ => 1 } qw(bench demo servers);
my @servers = qw(tls sqlite postgresql mariadb mongodb ferretdb blackhole hub);
my (@running, @started, %total);

$| = 1;
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { stop_everything(); print "0 passed, 1 failed\n"; exit 130; };

exit main();

sub main
{
	my $begun = time;
	mkdir $tmp;
	mkdir "$tmp/logs";

	my @queue = jobs();
	die "no tests of kind @ARGV\n" unless @queue;
	my $servers_up = start_servers();
	if ($servers_up)
	{
		while (@queue || @running)
		{
			push @running, start_job(shift @queue) while @queue && @running < $parallel;
			reap();
		}
	}
	my @left = stop_everything();
	count('servers', 'start', $servers_up ? 1 : 0, $servers_up ? 0 : 1, 0, 0);
	count('servers', 'nothing left running', @left ? 0 : 1, @left ? 1 : 0, 0, 0);
	print "left running:\n@left" if @left;
	return summary(time - $begun);
}

# Every test there is: the long ones first, so that none is left to run alone at the end.
sub jobs
{
	my %first = (map({ ("differential/$_" => 6) } qw(postgresql mariadb sqlite)), unit => 5, 'tap/interrupts' => 4, 'tap/scale' => 3, 'tap/secrets' => 2, fuzz => 1);
	my @jobs;
	foreach my $dir (glob 'test/*')
	{
		my ($kind) = $dir =~ m{^test/(\w+)$} or next;
		next if $apart{$kind};
		my @commands;
		push @commands, map { ["./$_"] } grep { -x } "$dir/run.sh", "$dir/run_all.sh";
		push @commands, map { ['perl', "-I$dir", $_] } glob "$dir/*.pl" unless @commands;
		foreach my $command (@commands)
		{
			(my $name = $command->[-1]) =~ s{^(\./)?test/}{};
			$name =~ s{/run(_all)?\.sh$|\.pl$}{};
			next if %wanted && !$wanted{$kind} && !$wanted{$name};
			push @jobs, { kind => $kind, name => $name, command => $command };
		}
	}
	return sort { ($first{ $b->{name} } || 0) <=> ($first{ $a->{name} } || 0) || $a->{name} cmp $b->{name} } @jobs;
}

sub start_servers
{
	my $bindir = qx($ENV{PG_CONFIG} --bindir);
	chomp $bindir;
	$ENV{PATH} = "$bindir:$ENV{PATH}:/usr/sbin";
	$ENV{LC_ALL} = 'C.UTF-8';
	foreach my $server (@servers)
	{
		push @started, $server;
		foreach my $action ($server =~ /^(postgresql|mariadb|sqlite|mongodb|ferretdb)$/ ? qw(start seed) : qw(start))
		{
			my $log = "$tmp/logs/server-$server-$action";
			if (system("test/servers/$server.sh $action $tmp/$server >$log 2>&1 </dev/null") != 0)
			{
				print "server $server: $action failed\n", tail($log, 40);
				return 0;
			}
		}
		load_env("$tmp/$server/env");
	}
	return 1;
}

sub load_env
{
	my ($file) = @_;
	my $out = qx(bash -c '. "$file"; env -0');
	foreach (split /\0/, $out)
	{
		my ($name, $value) = split /=/, $_, 2;
		$ENV{$name} = $value if $name =~ /^(CONNHUB_TEST_|PG)/;
	}
	return;
}

sub start_job
{
	my ($job) = @_;
	(my $file = $job->{name}) =~ s{/}{-}g;
	$job->{file} = $file;
	$job->{log} = "$tmp/logs/$file.log";
	$job->{begun} = time;
	$job->{pid} = fork;
	die "fork: $!\n" unless defined $job->{pid};
	if ($job->{pid} == 0)
	{
		setpgid(0, 0);
		open STDOUT, '>', $job->{log} or die "$job->{log}: $!\n";
		open STDERR, '>&', \*STDOUT or die "stderr: $!\n";
		$SIG{$_} = 'DEFAULT' foreach qw(INT TERM HUP);
		$ENV{CONNHUB_TEST_TMP} = "$tmp/job-$file";
		mkdir $ENV{CONNHUB_TEST_TMP};
		exec { $job->{command}[0] } @{ $job->{command} } or POSIX::_exit(127);
	}
	setpgid($job->{pid}, $job->{pid});
	return $job;
}

# Take in the jobs that ended; end those whose time is over.
sub reap
{
	my @still;
	foreach my $job (@running)
	{
		if (waitpid($job->{pid}, WNOHANG) == $job->{pid})
		{
			$job->{status} = $?;
			kill 'KILL', -$job->{pid};
			finish_job($job);
			next;
		}
		if (time - $job->{begun} > $job_seconds)
		{
			$job->{timed_out} = 1;
			kill $job->{asked}++ ? 'KILL' : 'TERM', -$job->{pid};
			sleep 2;
		}
		push @still, $job;
	}
	@running = @still;
	sleep 0.1 if @running;
	return;
}

sub finish_job
{
	my ($job) = @_;
	my ($passed, $failed, $skipped, $plan, @why) = (0, 0, 0, undef);
	open my $log, '<', $job->{log} or die "$job->{log}: $!\n";
	while (my $line = <$log>)
	{
		if ($line =~ /^(not )?ok\b(.*)/)
		{
			if ($2 =~ /# *skip/i) { $skipped++ }
			elsif ($1) { $failed++; push @why, $line }
			else { $passed++ }
		}
		elsif ($line =~ /^1\.\.(\d+)(.*)/)
		{
			$plan = $1;
			$skipped++ if $plan == 0 && $2 =~ /skip/i;
		}
		elsif ($line =~ /^Bail out!/) { $failed++; push @why, $line }
	}
	close $log;
	my $said = $passed + $failed + $skipped;
	my $trouble =
	    $job->{timed_out} ? "it did not end within $job_seconds s"
	  : defined $plan && $plan && $plan != $said ? "it planned $plan tests and ran $said"
	  : $job->{status} && !$failed ? 'it ended with status ' . ($job->{status} >> 8) . ', signal ' . ($job->{status} & 127)
	  : !$said ? 'it ran no test'
	  : undef;
	if ($trouble)
	{
		$failed++;
		push @why, "$job->{name}: $trouble\n";
	}
	my $seconds = time - $job->{begun};
	count($job->{kind}, $job->{name}, $passed, $failed, $skipped, $seconds);
	printf "%-6s %-32s %5d passed %4d failed%s %6.1f s\n", $failed ? 'FAILED' : 'ok', $job->{name}, $passed, $failed,
	  $skipped ? sprintf(' %d skipped', $skipped) : '', $seconds;
	print map({ "    $_" } @why), "    --- end of its output:\n", tail($job->{log}, 80), map({ tail($_, 30) } glob "$tmp/job-$job->{file}/tmp_check/log/regress_log_*"), "    ---\n" if $failed;
	return;
}

sub count
{
	my ($kind, $name, $passed, $failed, $skipped, $seconds) = @_;
	my $sum = $total{$kind} ||= { passed => 0, failed => 0, skipped => 0, seconds => 0 };
	$sum->{passed} += $passed;
	$sum->{failed} += $failed;
	$sum->{skipped} += $skipped;
	$sum->{seconds} += $seconds;
	return;
}

sub tail
{
	my ($file, $lines) = @_;
	open my $handle, '<', $file or return '';
	my @all = <$handle>;
	close $handle;
	splice @all, 0, @all - $lines if @all > $lines;
	return join '', map { "    $_" } @all;
}

# Stop jobs and servers.  Returns what was still running below our folder after that, having ended it.
sub stop_everything
{
	kill 'TERM', -$_->{pid} foreach @running;
	my $until = time + 15;
	while (@running && time < $until)
	{
		@running = grep { waitpid($_->{pid}, WNOHANG) == 0 } @running;
		sleep 0.1;
	}
	kill 'KILL', -$_->{pid} foreach @running;
	@running = ();
	system("test/servers/$_.sh stop $tmp/$_ >>$tmp/logs/stop 2>&1 </dev/null") foreach reverse grep { $_ ne 'tls' } @started;
	@started = ();
	return qx(bash -c '. test/servers/lib.sh; sweep "$tmp"');
}

sub summary
{
	my ($seconds) = @_;
	my ($passed, $failed) = (0, 0);
	printf "\n%-14s %8s %8s %8s %9s\n", qw(kind passed failed skipped seconds);
	foreach my $kind (sort keys %total)
	{
		my $sum = $total{$kind};
		printf "%-14s %8d %8d %8d %9.1f\n", $kind, @$sum{qw(passed failed skipped seconds)};
		$passed += $sum->{passed};
		$failed += $sum->{failed};
	}
	printf "%.0f s in all\n\n%d passed, %d failed\n", $seconds, $passed, $failed;
	return $failed || !$passed ? 1 : 0;
}
