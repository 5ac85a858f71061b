using Akka.Configuration;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Cluster.Joining;

namespace Singa.Actors.Runtime.Tests.Cluster;

public sealed class ClusterSettingsTests
{
    [Fact]
    public void By_default_it_is_alone_on_loopback()
    {
        var settings = Read("");
        Assert.False(settings.Enabled);
        Assert.Equal("127.0.0.1", settings.Host);
        Assert.Null(settings.Trust);
        Assert.Null(settings.StateFolder);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Times.ContactTimeout);
    }

    [Theory]
    [InlineData("singa.cluster.host = 10.0.0.5", "without a secret a node stays on loopback")]
    [InlineData("singa.cluster { host = 0.0.0.0, secret = a-good-secret }", "by which nobody can reach this node")]
    [InlineData("singa.cluster.port = 70000", "singa.cluster.port is 70000")]
    [InlineData("singa.cluster.seed-nodes = [\"10.0.0.5\"]", "'10.0.0.5' in singa.cluster.seed-nodes is no HOST:PORT")]
    [InlineData("singa.cluster { secret = a-good-secret, tls.ca = ca.pem }", "a cluster has one or the other")]
    [InlineData("singa.cluster.tls.ca = ca.pem", "needs all three")]
    [InlineData("singa.cluster.tls { certificate = none.pem, key = none.pem, ca = none.pem }", "none.pem")]
    [InlineData("singa.cluster.stable-after = 0s", "singa.cluster.stable-after")]
    [InlineData("singa.cluster.max-frame = 1 KiB", "singa.cluster.max-frame")]
    [InlineData("singa.data.root = nowhere-at-all", "which is no folder")]
    public void What_is_wrong_is_refused_by_name(string hocon, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<ConfigurationException>(() => Read(hocon)).Message);

    [Fact]
    public void The_secret_of_the_environment_wins()
    {
        var settings = Read("singa.cluster { host = 10.0.0.5, secret = of-the-file }", "of-the-environment");
        Assert.True(settings.Trust!.Accepts(Read("singa.cluster.secret = of-the-environment").Trust!.Certificate));
        Assert.False(settings.Trust.Accepts(Read("singa.cluster.secret = of-the-file").Trust!.Certificate));
    }

    [Theory]
    [InlineData("10.0.0.5:4710", "10.0.0.5:4710")]
    [InlineData("localhost:1", "127.0.0.1:1")]
    [InlineData("[::1]:65535", "[::1]:65535")]
    [InlineData("node-7.cluster:4710", "node-7.cluster:4710")]
    [InlineData("10.0.0.5", null)]
    [InlineData("10.0.0.5:0", null)]
    [InlineData("10.0.0.5:65536", null)]
    [InlineData(":4710", null)]
    [InlineData("::1:4710", null)]
    [InlineData("a b:4710", null)]
    [InlineData("", null)]
    public void Addresses_are_read_as_people_write_them(string text, string? address) =>
        Assert.Equal(address, NodeAddress.TryParse(text, out var read) ? read.ToString() : null);

    [Fact]
    public void Members_are_remembered_across_a_restart_and_rubbish_is_forgotten()
    {
        string folder = Directory.CreateTempSubdirectory("singa-members-").FullName;
        try
        {
            NodeAddress self = new("127.0.0.1", 4710), other = new("127.0.0.1", 4711);
            Assert.Null(new RememberedMembers(folder, self, true).Write("a", [self, other]));
            var (cluster, members) = new RememberedMembers(folder, self, true).Read();
            Assert.Equal("a", cluster);
            Assert.Equal(other, Assert.Single(members));
            Assert.Null(new RememberedMembers(folder, other, true).Read().Cluster);
            File.WriteAllText(Directory.GetFiles(folder).Single(), "{ \"Cluster\": ");
            Assert.Null(new RememberedMembers(folder, self, true).Read().Cluster);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ClusterSettings Read(string hocon, string? secret = null) => ClusterSettings.From(ConfigurationFactory.ParseString(hocon), _ => secret);
}
