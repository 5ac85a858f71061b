using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Hyperion;
using Microsoft.Extensions.Logging.Abstractions;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Wire;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Cluster;

public sealed class SerializerTests(SerializerTests.Process process) : IClassFixture<SerializerTests.Process>
{
    private readonly ActorSystem system = process.System;
    private readonly SingaSerializer serializer = process.Serializer;
    private readonly long before = process.Refusals.Total;

    public static TheoryData<string> Manifests => [.. MessageTable.All.Select(m => m.Manifest)];

    private long Refused => process.Refusals.Total - before;

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Every_message_arrives_as_it_was_sent(string manifest)
    {
        var type = MessageTable.Types[manifest];
        for (int seed = 0; seed < 40; seed++)
        {
            object message = new AnyMessage(seed, system.DeadLetters).Of(type);
            Assert.Equal(manifest, serializer.Manifest(message));
            object arrived = serializer.FromBinary(serializer.ToBinary(message), manifest);
            Assert.Equal(AnyMessage.Text(message), AnyMessage.Text(arrived));
        }

        Assert.Equal(0, Refused);
    }

    [Fact]
    public void What_has_no_manifest_is_not_sent() =>
        Assert.Throws<SerializationException>(() => serializer.Manifest(new NodeJobProtocol.LeaveJob(new JobId("a"))));

    [Fact]
    public void An_unknown_manifest_is_refused_and_counted()
    {
        Assert.Throws<SerializationException>(() => serializer.FromBinary([], "no"));
        Assert.Equal(1, Refused);
    }

    [Fact]
    public void Another_type_than_the_manifest_says_is_refused()
    {
        byte[] cancel = serializer.ToBinary(new CoordinatorProtocol.CancelJob(new JobId("a")));
        Assert.Throws<SerializationException>(() => serializer.FromBinary(cancel, serializer.Manifest(new CoordinatorProtocol.PauseJob(new JobId("a")))));
        Assert.Equal(1, Refused);
    }

    /// <summary>As a peer would write it that wants something else constructed.</summary>
    [Fact]
    public void A_type_by_its_name_is_refused_even_inside()
    {
        var open = new Hyperion.Serializer(SerializerOptions.Default.WithVersionTolerance(false).WithPreserveObjectReferences(false));
        string manifest = serializer.Manifest(new CoordinatorProtocol.CancelJob(new JobId("a")));
        foreach (object other in new object[] { new Version(1, 0), new List<int> { 1 }, new Uri("http://a") })
        {
            using var stream = new MemoryStream();
            open.Serialize(other, stream);
            Assert.Throws<SerializationException>(() => serializer.FromBinary(stream.ToArray(), manifest));
        }

        Assert.Equal(3, Refused);
    }

    [Fact]
    public void Garbage_is_refused_whatever_it_is()
    {
        var random = new Random(7);
        var whole = new CoordinatorProtocol.JobStopped(new JobId("job-1"), 7, true);
        byte[] bytes = serializer.ToBinary(whole);
        for (int round = 0; round < 500; round++)
        {
            byte[] broken = [.. bytes];
            broken[random.Next(broken.Length)] = (byte)random.Next(256);
            try
            {
                // Some changes are another message of the kind; nothing else may come out.
                Assert.IsType<CoordinatorProtocol.JobStopped>(serializer.FromBinary(broken[..random.Next(1, broken.Length + 1)], serializer.Manifest(whole)));
            }
            catch (SerializationException)
            {
            }
        }
    }

    [Fact]
    public void What_is_too_large_is_not_sent()
    {
        var refusal = Assert.Throws<SerializationException>(() => serializer.ToBinary(new CoordinatorProtocol.JobFailed(new JobId("a"), new string('x', 1 << 16))));
        Assert.Contains("max-frame", refusal.Message);
    }

    public sealed class Process : IDisposable
    {
        public Process()
        {
            System = ActorSystem.Create("messages", ActorSystemSetup.Create(new ClusterLogSetup(NullLoggerFactory.Instance, Refusals), BootstrapSetup.Create().WithConfig(
                "akka { loglevel = OFF, stdout-loglevel = OFF, remote.dot-netty.tcp.maximum-frame-size = 64 KiB }")));
            Serializer = new SingaSerializer((ExtendedActorSystem)System);
        }

        internal Refusals Refusals { get; } = new();

        internal ActorSystem System { get; }

        internal SingaSerializer Serializer { get; }

        public void Dispose() => System.Terminate().Wait();
    }
}
