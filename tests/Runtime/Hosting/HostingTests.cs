using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Hosting;

namespace Singa.Actors.Runtime.Tests.Hosting;

public sealed class HostingTests
{
    [Fact]
    public async Task A_host_with_an_actor_system_of_its_own_takes_singa_in()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddTraining();
        builder.Services.AddAkka("mine", akka => akka
            .AddHocon("singa.runtime.batches-ahead = 3", HoconAddMode.Prepend)
            .WithSinga(singa => singa.WithDevices("null=2")));
        using var host = builder.Build();
        await host.StartAsync();

        var run = await host.Services.GetRequiredService<ITraining>().SubmitAsync(TinyJob.Create());
        Assert.Equal(12, (await run.Completion).Steps);

        var system = host.Services.GetRequiredService<ActorSystem>();
        Assert.Equal("mine", system.Name);
        Assert.Equal(3, SingaSystem.Of(system).Settings.Runtime.BatchesAhead);
        Assert.NotEqual("ForkJoinDispatcher", system.Settings.Config.GetString("akka.actor.default-dispatcher.type"));
        await host.StopAsync();
    }

    [Fact]
    public void What_is_said_later_wins()
    {
        var settings = Settings(singa => singa.WithHocon("singa.runtime.steps-ahead = 5").WithHocon("singa.runtime.steps-ahead = 3").WithDevices("null=2"));

        Assert.Equal(3, settings.Runtime.StepsAhead);
        Assert.Equal(["null:0", "null:1"], settings.Devices.Select(d => d.Name));
    }

    [Fact]
    public void Defaults_come_from_the_reference()
    {
        var settings = SingaSettings.From(null);

        Assert.Equal((2, 2), (settings.Runtime.StepsAhead, settings.Runtime.BatchesAhead));
        Assert.Equal(["cpu:0"], settings.Devices.Select(d => d.Name));
    }

    [Fact]
    public void Threads_are_for_each_cpu_device() =>
        Assert.Equal([3, 3], Settings(singa => singa.WithDevices("cpu=2").WithThreads(3)).Devices.Select(d => d.Threads));

    [Theory]
    [InlineData("singa.runtime.steps-ahead = 0", "steps-ahead")]
    [InlineData("singa.runtime.batches-ahead = 0", "batches-ahead")]
    [InlineData("singa.runtime.step-timeout = 0s", "step-timeout")]
    [InlineData("singa.runtime.progress-buffer = 0", "progress-buffer")]
    [InlineData("singa.runtime.threads = -1", "threads")]
    public void What_is_out_of_range_is_refused_where_it_is_written(string hocon, string key) =>
        Assert.Contains(key, Assert.Throws<ConfigurationException>(() => new ServiceCollection().AddSinga(singa => singa.WithHocon(hocon))).Message);

    [Fact]
    public void A_device_that_does_not_exist_is_refused_by_name() =>
        Assert.Contains("abacus", Assert.Throws<DeviceNotFoundException>(() => new ServiceCollection().AddSinga(singa => singa.WithDevices("abacus:0"))).Message);

    [Fact]
    public void A_configuration_file_that_is_not_there_is_refused_by_name() =>
        Assert.Contains("nowhere.conf", Assert.Throws<FileNotFoundException>(() => new ServiceCollection().AddSinga(singa => singa.WithConfig("nowhere.conf"))).Message);

    [Fact]
    public async Task Submitting_before_the_host_has_started_says_what_to_do()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddSinga(singa => singa.WithDevices("null=1"));
        using var host = builder.Build();

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => host.Services.GetRequiredService<ITraining>().SubmitAsync(TinyJob.Create()));

        Assert.Contains("start it first", refusal.Message);
    }

    private static SingaSettings Settings(Action<SingaBuilder> configure)
    {
        var builder = new SingaBuilder();
        configure(builder);
        return SingaSettings.From(builder.Config);
    }
}
