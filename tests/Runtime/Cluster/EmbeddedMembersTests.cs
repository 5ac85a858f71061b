using Microsoft.Extensions.DependencyInjection;
using Singa.Actors.Runtime.Hosting;
using Singa.Actors.Runtime.Tests.Hosting;

namespace Singa.Actors.Runtime.Tests.Cluster;

/// <summary>Hosts that embed Singa as members of one cluster: what one of them submits, with samples of its memory, all of them train.</summary>
public sealed class EmbeddedMembersTests
{
    [Fact]
    public async Task What_a_host_has_in_memory_is_trained_on_by_everybody()
    {
        var job = TinyJob.Create() with { Epochs = 10, Shards = 4 };
        await using var alone = await TestHost.StartAsync("cpu=1");
        var (expected, _) = await alone.TrainAsync(job);
        await using var first = await TestHost.StartAsync("cpu=1", singa => Member(singa));
        var home = first.Services.GetRequiredService<ClusterHost>();
        await home.Joined;
        await using var second = await TestHost.StartAsync("cpu=2", singa => Member(singa, home.Address.ToString()));
        await second.Services.GetRequiredService<ClusterHost>().Joined;

        // Of as many devices as both have: the job waits until all are offered.
        var run = await second.Training.SubmitAsync(job, new TrainingOptions { MinDevices = 3 });
        var result = await run.Completion;

        Assert.Equal(3, run.Facts.Workers.Count(w => w.Shards.Count > 0));
        Assert.Equal((expected.Digest, expected.Test), (result.Digest, result.Test));
        Assert.Equal(expected.Model.Parameters.Keys, result.Model.Parameters.Keys);
    }

    private static void Member(SingaBuilder singa, params string[] seeds) => singa.WithHocon(
        $"singa.cluster {{ enabled = on, state-dir = off, form-after = 100ms, seed-nodes = [{string.Join(", ", seeds.Select(s => $"\"{s}\""))}] }}");
}
