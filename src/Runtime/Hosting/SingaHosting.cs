using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Singa.Actors.Devices;
using Singa.Actors.Runtime.Cluster;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Hosting;

/// <summary>Adds Singa to a host's services, or to an actor system that the host has already.</summary>
public static class SingaHosting
{
    private const string SystemName = "singa";

    /// <summary>For hosts without an actor system of their own: starts one, and registers <see cref="ITraining"/>.</summary>
    /// <exception cref="DeviceNotFoundException">The devices asked for do not exist here.</exception>
    /// <exception cref="Akka.Configuration.ConfigurationException">A value is out of range.</exception>
    public static IServiceCollection AddSinga(this IServiceCollection services, Action<SingaBuilder>? configure = null)
    {
        var singa = Build(configure);
        if (ClusterSettings.From(singa.Config).Enabled)
            return services.AddMember(singa);
        services.AddTraining();
        return services.AddAkka(SystemName, akka =>
        {
            akka.ConfigureLoggers(loggers => loggers.ClearLoggers().AddLoggerFactory());
            akka.AddHocon(SingaConfig.WithReference(singa.Config), HoconAddMode.Prepend);
            akka.StartSinga(singa);
        });
    }

    /// <summary>For hosts with an actor system; its own HOCON wins over what is said here. <see cref="AddTraining"/> registers <see cref="ITraining"/>.</summary>
    /// <inheritdoc cref="AddSinga" path="/exception"/>
    public static AkkaConfigurationBuilder WithSinga(this AkkaConfigurationBuilder akka, Action<SingaBuilder>? configure = null)
    {
        var singa = Build(configure);
        return akka.AddHocon(SingaSettings.Ours(singa.Config), HoconAddMode.Append).StartSinga(singa);
    }

    /// <summary>Registers <see cref="ITraining"/> for a host whose actor system has <see cref="WithSinga"/>.</summary>
    public static IServiceCollection AddTraining(this IServiceCollection services) =>
        services.AddSingleton<ITraining>(provider => new LazyTraining(provider.GetRequiredService<ActorSystem>));

    /// <summary>A member's system begins anew where the others have let it go, so the host keeps it rather than the services.</summary>
    private static IServiceCollection AddMember(this IServiceCollection services, SingaBuilder singa)
    {
        services.AddSingleton(provider => new ClusterHost(singa, provider.GetRequiredService<ILoggerFactory>()));
        services.AddHostedService(provider => provider.GetRequiredService<ClusterHost>());
        services.AddTransient(provider => provider.GetRequiredService<ClusterHost>().System);
        return services.AddSingleton<ITraining>(provider => new LazyTraining(() => provider.GetRequiredService<ClusterHost>().System));
    }

    private static SingaBuilder Build(Action<SingaBuilder>? configure)
    {
        var singa = new SingaBuilder();
        configure?.Invoke(singa);
        // Whoever wrote something wrong hears of it where it was written, not when the host starts.
        SingaSettings.From(singa.Config);
        ClusterSettings.From(singa.Config);
        return singa;
    }

    private static AkkaConfigurationBuilder StartSinga(this AkkaConfigurationBuilder akka, SingaBuilder singa) =>
        akka.WithActors((system, _) => SingaSystem.Start(system, singa));

    /// <summary>A host may resolve its services before it starts; only submitting needs the system.</summary>
    private sealed class LazyTraining(Func<ActorSystem> system) : ITraining
    {
        public Task<ITrainingRun> SubmitAsync(TrainingJob job, TrainingOptions? options, CancellationToken cancellation) =>
            SingaSystem.Of(system()).Training.SubmitAsync(job, options, cancellation);
    }
}
