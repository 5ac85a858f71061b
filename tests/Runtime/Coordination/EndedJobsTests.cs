using Singa.Actors.Devices;
using Singa.Actors.Runtime.Coordination;

namespace Singa.Actors.Runtime.Tests.Coordination;

public sealed class EndedJobsTests
{
    [Fact]
    public void The_last_are_remembered_and_the_others_forgotten()
    {
        var ended = new EndedJobs();
        for (int i = 0; i < 2000; i++)
        {
            ended.Add(new JobId($"{i}"));
            ended.Add(new JobId($"{i}"));
        }

        Assert.True(ended.Contains(new JobId("1999")));
        Assert.True(ended.Contains(new JobId("976")));
        Assert.False(ended.Contains(new JobId("975")));
    }
}
