using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;
using Akka.Actor;
using Hyperion;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Cluster.Wire;

/// <summary>The types that messages are made of, found from the messages themselves: a closed set, the same in every process.</summary>
internal static class WireTypes
{
    private static readonly ImmutableHashSet<Type> Simple =
    [
        typeof(string), typeof(TimeSpan), typeof(DateTimeOffset), typeof(DateTime), typeof(decimal), typeof(Guid),
    ];

    /// <summary>Types that hold what is computed from the rest of them: they travel as something plainer.</summary>
    public static readonly ImmutableDictionary<Type, Type> StandIns = new Dictionary<Type, Type>
    {
        [typeof(IActorRef)] = typeof(WireRef),
        [typeof(Vocabulary)] = typeof(WireVocabulary),
    }.ToImmutableDictionary();

    /// <summary>Turns the immutable arrays among the types of <see cref="Of"/> into their stand-ins and back.</summary>
    public static IEnumerable<Surrogate> Arrays(IEnumerable<Type> types) => types.Where(IsArray)
        .Select(t => (Surrogate)t.GetProperty(nameof(IWireArray.Surrogate), BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!);

    public static bool IsStandIn(Type type) => IsArray(type) || StandIns.ContainsValue(type);

    private static bool IsArray(Type type) => typeof(IWireArray).IsAssignableFrom(type);

    /// <summary>In an order that is the same in every process of this version.</summary>
    /// <exception cref="InvalidOperationException">Something in a message cannot be told apart on the other side: a type that others derive from, code, or a cycle of such.</exception>
    public static ImmutableArray<Type> Of(IEnumerable<Type> messages)
    {
        var found = new HashSet<Type>();
        foreach (var message in messages)
            Visit(message, message.Name, found);
        return [.. found.OrderBy(t => t.ToString(), StringComparer.Ordinal)];
    }

    private static void Visit(Type type, string where, HashSet<Type> found)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            Visit(underlying, where, found);
        }
        else if (StandIns.TryGetValue(type, out var standIn))
        {
            Visit(standIn, where, found);
        }
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
        {
            Visit(typeof(WireArray<>).MakeGenericType(type.GetGenericArguments()), where, found);
        }
        else if (type.IsPrimitive || type.IsEnum || Simple.Contains(type))
        {
            found.Add(type);
        }
        else if (type.IsArray)
        {
            if (found.Add(type))
                Visit(type.GetElementType()!, where, found);
        }
        else if (type is { IsSealed: true, IsPointer: false } && !typeof(Delegate).IsAssignableFrom(type))
        {
            if (!found.Add(type))
                return;
            foreach (var field in Fields(type))
                Visit(field.FieldType, $"{where}.{field.Name}", found);
        }
        else
        {
            throw new InvalidOperationException($"{where} is of type {type}, which cannot leave its process: only sealed types, arrays and values can");
        }
    }

    private static IEnumerable<FieldInfo> Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}

/// <summary>An actor as its address; empty for nobody.</summary>
internal sealed record WireRef(string Path);

/// <summary>An immutable array, which may also be none at all.</summary>
internal sealed record WireArray<T>(T[]? Items) : IWireArray
{
    public static Surrogate Surrogate => Surrogate.Create<ImmutableArray<T>, WireArray<T>>(
        array => new WireArray<T>(ImmutableCollectionsMarshal.AsArray(array)), wire => ImmutableCollectionsMarshal.AsImmutableArray(wire.Items));
}

internal interface IWireArray
{
    static abstract Surrogate Surrogate { get; }
}

internal sealed record WireVocabulary(TextTokens Tokens, string Characters);
