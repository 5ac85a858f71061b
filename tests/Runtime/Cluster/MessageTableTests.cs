using System.Reflection;
using Akka.Actor;
using Singa.Actors.Runtime.Cluster.Wire;

namespace Singa.Actors.Runtime.Tests.Cluster;

/// <summary>No message of a protocol is without a manifest by oversight.</summary>
public sealed class MessageTableTests
{
    public static TheoryData<string> Messages => [.. All.Select(t => t.FullName!)];

    private static IEnumerable<Type> All => typeof(MessageTable).Assembly.GetTypes()
        .Where(t => t is { IsClass: true, IsAbstract: true, IsSealed: true, IsPublic: true } && t.Name.EndsWith("Protocol", StringComparison.Ordinal))
        .SelectMany(t => t.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic))
        .Concat(typeof(MessageTable).Assembly.GetTypes())
        .Where(t => !t.IsInterface && t.IsPublicOrNestedPublic() && typeof(INoSerializationVerificationNeeded).IsAssignableFrom(t))
        .Distinct();

    [Theory]
    [MemberData(nameof(Messages))]
    public void Every_message_has_a_manifest_or_says_that_it_stays(string name)
    {
        var type = All.Single(t => t.FullName == name);
        Assert.True(
            MessageTable.Manifests.ContainsKey(type) != typeof(ILocalMessage).IsAssignableFrom(type),
            $"{name} needs a line in MessageTable, or the marker {nameof(ILocalMessage)} if it never leaves its process; not both");
    }

    [Fact]
    public void Manifests_are_short_and_different()
    {
        Assert.Equal(MessageTable.All.Length, MessageTable.All.Select(m => m.Manifest).Distinct().Count());
        Assert.Equal(MessageTable.All.Length, MessageTable.All.Select(m => m.Type).Distinct().Count());
        Assert.All(MessageTable.All, m => Assert.InRange(m.Manifest.Length, 1, 3));
    }

    [Fact]
    public void What_messages_are_made_of_is_a_closed_set()
    {
        var types = WireTypes.Of(MessageTable.All.Select(m => m.Type));
        Assert.All(types, t => Assert.True(t.IsSealed || t.IsArray, $"somebody could derive from {t}"));
        Assert.DoesNotContain(typeof(object), types);
    }

    [Fact]
    public void What_cannot_leave_is_named()
    {
        var refusal = Assert.Throws<InvalidOperationException>(() => WireTypes.Of([typeof(WithCode)]));
        Assert.Contains("WithCode.<Then>", refusal.Message);
        Assert.Throws<InvalidOperationException>(() => WireTypes.Of([typeof(WithAnything)]));
    }

    private sealed record WithCode(Action Then);

    private sealed record WithAnything(object What);
}

internal static class Visibility
{
    public static bool IsPublicOrNestedPublic(this Type type) => type.IsPublic || type.IsNestedPublic;
}
